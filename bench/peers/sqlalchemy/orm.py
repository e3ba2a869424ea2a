"""`orm WORKLOAD ROUNDS`: SQLAlchemy's session, with psycopg2 or SQLite. Prints nanoseconds, a line for each round."""

import os
import sys
import time

from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload


class Base(DeclarativeBase):
    pass


class Car(Base):
    __tablename__ = "cars"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    model: Mapped[str]
    doors: Mapped[int]


class Maker(Base):
    __tablename__ = "makers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    products: Mapped[list["Product"]] = relationship(back_populates="maker")


class Product(Base):
    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    maker_id: Mapped[int] = mapped_column(ForeignKey("makers.id"))
    name: Mapped[str]
    price: Mapped[int]
    maker: Mapped[Maker] = relationship(back_populates="products")


def load(engine):
    begun = time.perf_counter_ns()
    with Session(engine) as session:
        makers = session.scalars(select(Maker).options(selectinload(Maker.products))).all()
        took = time.perf_counter_ns() - begun
        assert len(makers) == 1000
        assert sum(product.price for maker in makers for product in maker.products) == 50_005_000
    return took


def flush(engine):
    begun = time.perf_counter_ns()
    with Session(engine, expire_on_commit=False) as session:
        cars = [Car(name=f"Car {n}", model=f"Model {n}", doors=4) for n in range(1, 10_001)]
        session.add_all(cars)
        session.commit()
        took = time.perf_counter_ns() - begun
        assert all(car.id > 0 for car in cars)
    return took


def update_some(engine):
    with Session(engine, expire_on_commit=False) as session:
        cars = session.scalars(select(Car).order_by(Car.id)).all()
        begun = time.perf_counter_ns()
        for car in cars[::10]:
            car.doors += 1
        session.commit()
        return time.perf_counter_ns() - begun


def main():
    _, _, workload, rounds = sys.argv
    url = os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg2:")
    # An absolute path has four slashes here.
    engine = create_engine(url.replace("sqlite:", "sqlite:///"))
    work = {"load": load, "flush": flush, "update-some": update_some}[workload]
    for _ in range(int(rounds)):
        print(work(engine))


main()
