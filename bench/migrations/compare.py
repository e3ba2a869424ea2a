"""Times `db current` and `db check` beside `alembic current` and `alembic check`, on two hundred tables.

Usage: compare.py URL PROGRAM

URL is of a PostgreSQL server's database in which two others may be made; PROGRAM is the release build of this package.
Whole processes are timed, alternated in one run, and the median of each is compared: only the ratios mean something.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import psycopg

ROUNDS = 15

MODELS = """
from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, MetaData, Table, Text, UniqueConstraint, text

metadata = MetaData()
for number in range(200):
    name, before = f"t{number:03}", f"t{max(number - 1, 0):03}"
    Table(
        name, metadata,
        Column("id", Integer, primary_key=True),
        Column("name", Text, nullable=False),
        Column("amount", BigInteger, nullable=False),
        Column("open", Boolean, nullable=False, server_default=text("true")),
        Column("before_id", Integer, ForeignKey(f"{before}.id", name=f"{name}_before_id_fkey")),
        UniqueConstraint("name", name=f"{name}_name_key"),
        CheckConstraint("amount >= 0", name=f"{name}_amount_check"),
        Index(f"{name}_amount_idx", "amount"),
    )
"""

ENVIRONMENT = """
import os
from alembic import context
from sqlalchemy import create_engine
from models import metadata

# Types are compared by default, server defaults only when asked: what the other side does too.
with create_engine(os.environ["BENCH_URL"]).connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, compare_server_default=True)
    with context.begin_transaction():
        context.run_migrations()
"""

TEMPLATE = '''"""${message}"""
from alembic import op
import sqlalchemy as sa
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None
def upgrade():
    ${upgrades if upgrades else "pass"}
def downgrade():
    ${downgrades if downgrades else "pass"}
'''


def main(url: str, program: str) -> None:
    server, _, _ = url.rpartition("/")
    with psycopg.connect(url, autocommit=True) as connection:
        for name in ("bench_alembic", "bench_crocus"):
            connection.execute(f"DROP DATABASE IF EXISTS {name}")
            connection.execute(f"CREATE DATABASE {name}")
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder)
        (home / "versions").mkdir()
        (home / "models.py").write_text(MODELS)
        (home / "env.py").write_text(ENVIRONMENT)
        (home / "script.py.mako").write_text(TEMPLATE)
        (home / "alembic.ini").write_text("[alembic]\nscript_location = .\nprepend_sys_path = .\npath_separator = os\n")
        alembic_url = f"{server}/bench_alembic".replace("postgresql://", "postgresql+psycopg://")

        def alembic(*arguments: str) -> float:
            command = [sys.executable, "-m", "alembic", *arguments]
            return timed(command, {"BENCH_URL": alembic_url}, home)

        def crocus(*arguments: str) -> float:
            return timed([program, "db", *arguments], {"DATABASE_URL": f"{server}/bench_crocus"}, home)

        alembic("revision", "--autogenerate", "-m", "tables")
        alembic("upgrade", "head")
        crocus("upgrade")
        for command in ("current", "check"):
            pairs = [(alembic(command), crocus(command)) for _ in range(ROUNDS)]
            ratios = sorted(slow / fast for slow, fast in pairs)
            middle = statistics.median(ratios)
            print(f"{command}: alembic takes {middle:.1f} times as long ({ratios[0]:.1f} to {ratios[-1]:.1f}, {ROUNDS} pairs)")


def timed(command: list[str], environment: dict[str, str], folder: pathlib.Path) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **environment}, cwd=folder, capture_output=True, text=True)
    took = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return took


if __name__ == "__main__":
    main(*sys.argv[1:])
