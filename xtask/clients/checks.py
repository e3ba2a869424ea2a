"""PostgREST's client for Python, unmodified, against the dealership: `python checks.py URL sqlite|postgresql`.

Each check has a name, by which the guide's table refers to it.
"""

import inspect
import json
import sys

import postgrest
from postgrest import APIError, CountMethod, ReturnMethod, SyncPostgrestClient

url, database = sys.argv[1:3]
client = SyncPostgrestClient(url)
on_postgres = database == "postgresql"
checks = []
MODEL_3, MODEL_S, OCTAVIA, FABIA = "Model 3", "Model S", "Octavia", 'Fabia, "RS"'


def check(name):
    return lambda run: checks.append((name, run)) or run


def equal(actual, expected):
    assert actual == expected, f"expected {expected!r}, got {actual!r}"


def cars(filtered):
    """The names of the cars that a filter finds, in the order of their keys."""
    query = filtered(client.from_("cars").select("name")).order("id")
    return [car["name"] for car in query.execute().data]


def refused(query, code, words):
    """A query that must fail, with its code and words of its message."""
    try:
        answer = query.execute()
    except APIError as error:
        equal(error.code, code)
        assert words in error.message, error.message
        return error
    raise AssertionError(f"expected a refusal, got {answer}")


def only_on_postgres(filtered, expected):
    if on_postgres:
        equal(cars(filtered), expected)
    else:
        refused(filtered(client.from_("cars").select("name")), "invalid_query", "the database behind this resource has no")


# Reading


@check("select all")
def _():
    makers = client.from_("makers").select("*").execute().data
    equal(makers[0], {"id": 1, "name": "Tesla", "country": "US"})
    equal(len(makers), 3)


@check("select columns, renamed and cast")
def _():
    car = client.from_("cars").select("title:name", "year::text", "first:equipment->>0").eq("id", 1).single().execute().data
    equal(car, {"title": MODEL_3, "year": "2019", "first": "radio"})


@check("embed nested")
def _():
    maker = client.from_("makers").select("name, cars(name, tags(name))").eq("id", 2).single().execute().data
    equal(maker, {"name": "Škoda", "cars": [{"name": OCTAVIA, "tags": [{"name": "new"}]}, {"name": FABIA, "tags": []}]})


@check("embed inner, renamed, spread")
def _():
    makers = client.from_("makers").select("name, cars!inner(name)").eq("cars.year", 2020).execute().data
    equal(makers, [{"name": "Škoda", "cars": [{"name": OCTAVIA}]}])
    car = client.from_("cars").select("builder:makers(name), ...owners(owner:name)").eq("id", 3).single().execute().data
    equal(car, {"builder": {"name": "Škoda"}, "owner": "Ada"})


@check("embed filtered, ordered, limited")
def _():
    query = client.from_("makers").select("name, cars(name)").gt("cars.price", 15000)
    query = query.order("year", desc=True, foreign_table="cars").limit(1, foreign_table="cars").order("id")
    equal([[car["name"] for car in maker["cars"]] for maker in query.execute().data], [[MODEL_S], [OCTAVIA], []])


@check("embed with or")
def _():
    query = client.from_("makers").select("cars(name)").or_("year.eq.2015,year.eq.2019", reference_table="cars").order("id")
    equal([[car["name"] for car in maker["cars"]] for maker in query.execute().data], [[MODEL_3], [FABIA], []])


# Filters

FOUND = {
    "eq": (lambda query: query.eq("name", FABIA), [FABIA]),
    "neq": (lambda query: query.neq("maker_id", 1), [OCTAVIA, FABIA]),
    "gt": (lambda query: query.gt("price", 30000), [MODEL_S]),
    "gte": (lambda query: query.gte("price", 30000), [MODEL_3, MODEL_S]),
    "lt": (lambda query: query.lt("price", 20000), [FABIA]),
    "lte": (lambda query: query.lte("price", 20000), [OCTAVIA, FABIA]),
    "is_": (lambda query: query.is_("owner_id", None), [MODEL_3, MODEL_S]),
    "like": (lambda query: query.like("name", "Model%"), [MODEL_3, MODEL_S]),
    "like_all_of": (lambda query: query.like_all_of("name", "M%,%S"), [MODEL_S]),
    "like_any_of": (lambda query: query.like_any_of("name", "Oct%,%S"), [MODEL_S, OCTAVIA]),
    "ilike": (lambda query: query.ilike("name", "%OCTAVIA"), [OCTAVIA]),
    "ilike_all_of": (lambda query: query.ilike_all_of("name", "m%,%s"), [MODEL_S]),
    "ilike_any_of": (lambda query: query.ilike_any_of("name", "oct%,%3"), [MODEL_3, OCTAVIA]),
    "in_": (lambda query: query.in_("name", [MODEL_S, OCTAVIA, "a, (b)"]), [MODEL_S, OCTAVIA]),
    "in_, a quote": (lambda query: query.in_("name", [FABIA, OCTAVIA]), [OCTAVIA, FABIA]),
    "not_": (lambda query: query.not_.is_("owner_id", None), [OCTAVIA, FABIA]),
    "not_ in": (lambda query: query.not_.in_("id", [1, 2, 3]), [FABIA]),
    "or_": (lambda query: query.or_("id.eq.1,and(year.gt.2019,price.lt.30000)"), [MODEL_3, OCTAVIA]),
    "match": (lambda query: query.match({"maker_id": 1, "year": 2021}), [MODEL_S]),
    "filter": (lambda query: query.filter("year", "eq(any)", "{2015,2021}"), [MODEL_S, FABIA]),
    "filter isdistinct": (lambda query: query.filter("owner_id", "isdistinct", "1"), [MODEL_3, MODEL_S, FABIA]),
}
FOUND_ON_POSTGRES = {
    "contains": (lambda query: query.contains("equipment", json.dumps(["radio"])), [MODEL_3]),
    "contained_by": (lambda query: query.contained_by("equipment", '["radio","hook"]'), [MODEL_3, MODEL_S, OCTAVIA, FABIA]),
    "filter match": (lambda query: query.filter("name", "match", "^Model [0-9]$"), [MODEL_3]),
    "fts": (lambda query: query.fts("name", "octavia"), [OCTAVIA]),
    "plfts": (lambda query: query.plfts("name", "model 3"), [MODEL_3]),
    "phfts": (lambda query: query.phfts("name", "model 3"), [MODEL_3]),
    "wfts": (lambda query: query.wfts("name", "octavia or fabia"), [OCTAVIA, FABIA]),
    "text_search": (
        lambda query: query.text_search("name", "octavia or fabia", {"type": "web_search", "config": "english"}),
        [OCTAVIA, FABIA],
    ),
}
for name, (filtered, expected) in FOUND.items():
    check(f"filter {name}")(lambda filtered=filtered, expected=expected: equal(cars(filtered), expected))
for name, (filtered, expected) in FOUND_ON_POSTGRES.items():
    check(f"filter {name}")(lambda filtered=filtered, expected=expected: only_on_postgres(filtered, expected))
for name in ["sl", "sr", "nxl", "nxr", "adj", "range_gt", "range_gte", "range_lt", "range_lte", "range_adjacent"]:
    check(f"filter {name}, refused")(
        lambda name=name: refused(getattr(client.from_("cars").select("*"), name)("year", (2000, 2010)), "invalid_query", "ranges")
    )
for name in ["ov", "overlaps"]:
    check(f"filter {name}, refused")(
        lambda name=name: refused(getattr(client.from_("cars").select("*"), name)("name", ["a", "b"]), "invalid_query", "lists")
    )
for name in ["cs", "cd"]:
    # The client writes a list as PostgreSQL's `{radio}`, which is no JSON: PostgREST refuses it too.
    words = "JSON" if on_postgres else f"has no `{name}`"
    check(f"filter {name}, a list of a JSON column")(
        lambda name=name, words=words: refused(
            getattr(client.from_("cars").select("*"), name)("equipment", ["radio"]), "invalid_query", words
        )
    )


# Order, pages, forms


@check("order")
def _():
    rows = client.from_("cars").select("id").order("maker_id", desc=True).order("price").execute().data
    equal([row["id"] for row in rows], [4, 3, 1, 2])
    rows = client.from_("cars").select("id").order("owner_id", desc=True, nullsfirst=False).order("id").execute().data
    equal([row["id"] for row in rows], [4, 3, 1, 2])


@check("limit, offset, range")
def _():
    equal(client.from_("cars").select("id").order("id").limit(1).offset(2).execute().data, [{"id": 3}])
    answer = client.from_("cars").select("id", count=CountMethod.exact).order("id").range(1, 2).execute()
    equal((answer.data, answer.count), ([{"id": 2}, {"id": 3}], 4))
    refused(client.from_("cars").select("id", count=CountMethod.exact).range(9, 10), "range_not_satisfiable", "4")


@check("count")
def _():
    for count in CountMethod:
        answer = client.from_("cars").select("id", count=count).execute()
        assert isinstance(answer.count, int), answer
    equal(answer.count if count == CountMethod.estimated else 4, 4)


@check("head")
def _():
    answer = client.from_("cars").select("*", count=CountMethod.exact, head=True).eq("maker_id", 1).execute()
    equal((answer.data, answer.count), ([], 2))


@check("single")
def _():
    equal(client.from_("makers").select("name").eq("id", 2).single().execute().data, {"name": "Škoda"})
    error = refused(client.from_("makers").select("*").single(), "not_single", "row")
    assert "3 rows" in error.details, error.details
    refused(client.from_("makers").select("*").eq("id", 99).single(), "not_single", "row")


@check("maybe_single")
def _():
    equal(client.from_("makers").select("name").eq("id", 2).maybe_single().execute().data, {"name": "Škoda"})
    equal(client.from_("makers").select("name").eq("id", 99).maybe_single().execute(), None)
    refused(client.from_("makers").select("name").lt("id", 3).maybe_single(), "406", "single")


@check("csv")
def _():
    text = client.from_("makers").select("name,country").order("id").csv().execute().data
    equal(text.rstrip().replace("\r\n", "\n"), "name,country\nTesla,US\nŠkoda,CZ\nTrabant,DE")


@check("strip_nulls")
def _():
    equal(client.from_("cars").select("id,owner_id").order("id").limit(1).strip_nulls().execute().data, [{"id": 1}])


@check("explain, refused")
def _():
    refused(client.from_("cars").select("*").explain(), "not_acceptable", "vnd.pgrst.plan+text")
    refused(client.from_("cars").select("*").explain(analyze=True, format="json"), "not_acceptable", "vnd.pgrst.plan+json")


@check("aggregates")
def _():
    rows = client.from_("cars").select("maker_id, count(), year.max(), total:price.sum()").order("maker_id").execute().data
    equal(rows[0], {"maker_id": 1, "count": 2, "max": 2021, "total": "90000.50"})


# Writing: each check takes away what it adds.


@check("insert one and many, and delete")
def _():
    equal(client.from_("tags").insert({"name": "red"}).execute().data[0]["name"], "red")
    answer = client.from_("tags").insert([{"name": "x1"}, {"name": "x2"}], count=CountMethod.exact).execute()
    equal(([row["name"] for row in answer.data], answer.count), (["x1", "x2"], 2))
    equal(client.from_("tags").insert({"name": "x3"}, returning=ReturnMethod.minimal).execute().data, [])
    equal(client.from_("tags").delete(count=CountMethod.exact).like("name", "x_").execute().count, 3)
    equal([row["name"] for row in client.from_("tags").delete().eq("name", "red").execute().data], ["red"])


@check("insert, and select columns of it")
def _():
    rows = client.from_("tags").insert({"name": "x1"}).select("name").execute().data
    equal(rows, [{"name": "x1"}])
    equal(client.from_("tags").delete(returning=ReturnMethod.minimal).eq("name", "x1").execute().data, [])


@check("insert many, missing columns by default")
def _():
    car = {"maker_id": 1, "name": "D", "year": 2000, "price": "1"}
    rows = client.from_("cars").insert([{**car, "vin": "D1"}, {**car, "vin": "D2", "state": "reserved"}], default_to_null=False)
    equal([(row["vin"], row["state"]) for row in rows.execute().data], [("D1", "for_sale"), ("D2", "reserved")])
    client.from_("cars").delete().like("vin", "D_").execute()


@check("insert refused")
def _():
    refused(client.from_("tags").insert({"name": "new"}), "unique_violation", "there already")
    error = refused(client.from_("cars").insert({"vin": 1, "colour": "red"}), "invalid_payload", "payload")
    assert "/vin" in error.details and "/colour" in error.details, error.details


@check("upsert")
def _():
    equal(client.from_("makers").upsert({"id": 3, "name": "Trabant", "country": "GDR"}).execute().data[0]["country"], "GDR")
    rows = client.from_("makers").upsert([{"name": "Trabant", "country": "DE"}, {"name": "Jawa", "country": "CZ"}], on_conflict="name")
    equal([row["country"] for row in rows.execute().data], ["DE", "CZ"])
    rows = client.from_("makers").upsert({"name": "Jawa", "country": "X"}, on_conflict="name", ignore_duplicates=True)
    equal(rows.execute().data, [])
    rows = client.from_("makers").insert({"id": 3, "name": "Trabant", "country": "DE"}, upsert=True).execute().data
    equal(rows, [{"id": 3, "name": "Trabant", "country": "DE"}])
    client.from_("makers").delete().eq("name", "Jawa").execute()


@check("update")
def _():
    rows = client.from_("makers").update({"country": "GDR"}).eq("id", 3).execute().data
    equal(rows, [{"id": 3, "name": "Trabant", "country": "GDR"}])
    answer = client.from_("makers").update({"country": "DE"}, count=CountMethod.exact, returning=ReturnMethod.minimal).eq("id", 3)
    equal(answer.execute().count, 1)
    refused(client.from_("makers").update({"country": "X"}), "no_filter", "every row")
    refused(client.from_("makers").delete(), "no_filter", "every row")


@check("max_affected")
def _():
    refused(client.from_("makers").update({"country": "X"}).gt("id", 0).max_affected(2), "too_many_affected", "3 rows")
    client.from_("makers").update({"country": "DE"}).eq("id", 3).max_affected(1).execute()
    equal(client.from_("makers").select("country").eq("id", 1).single().execute().data, {"country": "US"})


# Mistakes


@check("errors have message, details, hint and code")
def _():
    error = refused(client.from_("makers").select("nam"), "invalid_query", "`name`")
    equal(sorted(error.json()), ["code", "details", "hint", "message"])
    refused(client.from_("carz").select("*"), "not_found", "/api/carz")


@check("rpc, refused")
def _():
    refused(client.rpc("hello", {}), "not_found", "/api/rpc/hello")


METHODS = {
    name
    for builder in (postgrest.SyncRequestBuilder, postgrest.SyncSelectRequestBuilder)
    for name, _ in inspect.getmembers(builder, lambda member: inspect.isfunction(member) or isinstance(member, property))
    if not name.startswith("_") and name not in ("retry", "execute")
}
uncalled = set(METHODS)


def watched(builder, name):
    member = inspect.getattr_static(builder, name)
    method = member.fget if isinstance(member, property) else member

    def call(self, *values, **options):
        uncalled.discard(name)
        return method(self, *values, **options)

    return property(call) if isinstance(member, property) else call


for builder in (postgrest.SyncRequestBuilder, postgrest.SyncSelectRequestBuilder):
    for name in METHODS:
        if hasattr(builder, name):
            setattr(builder, name, watched(builder, name))


@check("every method of the library is called")
def _():
    equal(uncalled, set())


failed = 0
for name, run in checks:
    try:
        run()
        print(f"ok      {name}")
    except Exception as error:  # whatever goes wrong, the other checks run
        failed += 1
        print(f"FAILED  {name}\n        {type(error).__name__}: {error!r}")
print(f"{len(checks) - failed} of {len(checks)} checks passed on {database}")
sys.exit(1 if failed else 0)
