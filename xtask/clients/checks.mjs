// PostgREST's client for JavaScript, unmodified, against the dealership: `node checks.mjs URL sqlite|postgresql`.
// Each check has a name, by which the guide's table refers to it.

import assert from 'node:assert/strict'
import * as library from '@supabase/postgrest-js'

const { PostgrestClient } = library

const [url, database] = process.argv.slice(2)
const client = new PostgrestClient(url)
// What the library offers, and nothing has called yet.
const uncalled = new Set()
for (const builder of ['PostgrestQueryBuilder', 'PostgrestFilterBuilder', 'PostgrestTransformBuilder', 'PostgrestBuilder']) {
  const prototype = library[builder].prototype
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const method = prototype[name]
    if (name === 'constructor' || typeof method !== 'function') continue
    uncalled.add(name)
    prototype[name] = function (...values) {
      uncalled.delete(name)
      return method.apply(this, values)
    }
  }
}

const onPostgres = database === 'postgresql'
const checks = []
const check = (name, run) => checks.push({ name, run })

/** What a query that must succeed answers. */
async function data(query) {
  const answer = await query
  assert.equal(answer.error, null, JSON.stringify(answer.error))
  return answer.data
}

/** The names of the cars that a filter finds, in the order of their keys. */
async function cars(filter) {
  return (await data(filter(client.from('cars').select('name')).order('id'))).map((car) => car.name)
}

/** A query that must fail, with its status and words of its message. */
async function refused(query, status, words) {
  const answer = await query
  assert.notEqual(answer.error, null, `expected a refusal, got ${JSON.stringify(answer.data)}`)
  assert.equal(answer.status, status, JSON.stringify(answer.error))
  assert.match(answer.error.message, words)
  for (const member of ['message', 'details', 'hint', 'code']) assert.ok(member in answer.error, member)
  return answer.error
}

/** A filter that only PostgreSQL has: on SQLite it is refused, and the message says so. */
async function onlyOnPostgres(filter, expected) {
  if (onPostgres) return assert.deepEqual(await cars(filter), expected)
  await refused(filter(client.from('cars').select('name')), 400, /the database behind this resource has no/)
}

const [model3, modelS, octavia, fabia] = ['Model 3', 'Model S', 'Octavia', 'Fabia, "RS"']

// Reading

check('select all', async () => {
  const makers = await data(client.from('makers').select())
  assert.deepEqual(makers[0], { id: 1, name: 'Tesla', country: 'US' })
  assert.equal(makers.length, 3)
})

check('select columns, renamed and cast', async () => {
  const car = await data(client.from('cars').select('title:name, year::text, cost:price').eq('id', 1).single())
  assert.deepEqual(car, { title: model3, year: '2019', cost: '30000' })
})

check('select a JSON path', async () => {
  const car = await data(client.from('cars').select('first:equipment->0, second:equipment->>1').eq('id', 1).single())
  assert.deepEqual(car, { first: 'radio', second: 'hook' })
})

check('embed nested', async () => {
  const maker = await data(client.from('makers').select('name, cars(name, tags(name))').eq('id', 1).single())
  assert.deepEqual(maker, {
    name: 'Tesla',
    cars: [
      { name: model3, tags: [{ name: 'electric' }] },
      { name: modelS, tags: [{ name: 'electric' }, { name: 'new' }] },
    ],
  })
})

check('embed renamed, by table', async () => {
  const car = await data(client.from('cars').select('name, builder:makers(name), buyer:owners(name)').eq('id', 3).single())
  assert.deepEqual(car, { name: octavia, builder: { name: 'Škoda' }, buyer: { name: 'Ada' } })
})

check('embed with a hint', async () => {
  const car = await data(client.from('cars').select('name, makers!maker_id(name)').eq('id', 3).single())
  assert.deepEqual(car, { name: octavia, makers: { name: 'Škoda' } })
})

check('embed inner', async () => {
  const makers = await data(client.from('makers').select('name, cars!inner(name)').eq('cars.year', 2020))
  assert.deepEqual(makers, [{ name: 'Škoda', cars: [{ name: octavia }] }])
})

check('embed spread, one row', async () => {
  const car = await data(client.from('cars').select('name, ...makers(maker:name, country)').eq('id', 1).single())
  assert.deepEqual(car, { name: model3, maker: 'Tesla', country: 'US' })
})

check('embed spread, many rows', async () => {
  const maker = await data(client.from('makers').select('name, ...cars(years:year)').eq('id', 1).single())
  assert.deepEqual(maker, { name: 'Tesla', years: [2019, 2021] })
})

check('embed filtered, ordered, limited', async () => {
  const makers = await data(
    client
      .from('makers')
      .select('name, cars(name)')
      .gt('cars.price', 15000)
      .order('year', { referencedTable: 'cars', ascending: false })
      .limit(1, { referencedTable: 'cars' })
      .order('id'),
  )
  assert.deepEqual(makers.map((maker) => maker.cars.map((car) => car.name)), [[modelS], [octavia], []])
})

check('embed with a range', async () => {
  const maker = await data(
    client.from('makers').select('cars(name)').eq('id', 1).range(1, 1, { referencedTable: 'cars' }).order('id', { referencedTable: 'cars' }).single(),
  )
  assert.deepEqual(maker, { cars: [{ name: modelS }] })
})

check('embed with or', async () => {
  const makers = await data(
    client.from('makers').select('name, cars(name)').or('year.eq.2015,year.eq.2019', { referencedTable: 'cars' }).order('id'),
  )
  assert.deepEqual(makers.map((maker) => maker.cars.map((car) => car.name)), [[model3], [fabia], []])
})

check('embed renamed, filtered by its new name', async () => {
  const maker = await data(client.from('makers').select('name, fleet:cars(name)').eq('fleet.year', 2021).eq('id', 1).single())
  assert.deepEqual(maker, { name: 'Tesla', fleet: [{ name: modelS }] })
})

check('embed nothing, to filter by it', async () => {
  assert.deepEqual(await data(client.from('makers').select('name, cars()').is('cars', null)), [{ name: 'Trabant' }])
  assert.deepEqual(
    (await data(client.from('makers').select('name, cars()').not('cars', 'is', null))).map((maker) => maker.name),
    ['Tesla', 'Škoda'],
  )
})

check('or across relationships', async () => {
  const makers = await data(
    client.from('makers').select('name, cars(name)').eq('cars.year', 2020).or('country.eq.DE,cars.not.is.null').order('id'),
  )
  assert.deepEqual(makers.map((maker) => maker.name), ['Škoda', 'Trabant'])
})

check('embed refused, with the nearest', async () => {
  await refused(client.from('makers').select('name, carz(name)'), 400, /carz.*cars/)
})

// Filters

check('filter eq', async () => assert.deepEqual(await cars((query) => query.eq('name', fabia)), [fabia]))
check('filter neq', async () => assert.deepEqual(await cars((query) => query.neq('maker_id', 1)), [octavia, fabia]))
check('filter gt', async () => assert.deepEqual(await cars((query) => query.gt('price', 30000)), [modelS]))
check('filter gte', async () => assert.deepEqual(await cars((query) => query.gte('price', 30000)), [model3, modelS]))
check('filter lt', async () => assert.deepEqual(await cars((query) => query.lt('price', 20000)), [fabia]))
check('filter lte', async () => assert.deepEqual(await cars((query) => query.lte('price', 20000)), [octavia, fabia]))
check('filter like', async () => {
  assert.deepEqual(await cars((query) => query.like('name', 'Model%')), [model3, modelS])
  // SQLite's LIKE does not tell the letters of ASCII apart by case.
  assert.deepEqual(await cars((query) => query.like('name', 'model%')), onPostgres ? [] : [model3, modelS])
})
check('filter likeAllOf', async () => assert.deepEqual(await cars((query) => query.likeAllOf('name', ['M%', '%S'])), [modelS]))
check('filter likeAnyOf', async () => assert.deepEqual(await cars((query) => query.likeAnyOf('name', ['Oct%', '%S'])), [modelS, octavia]))
check('filter ilike', async () => assert.deepEqual(await cars((query) => query.ilike('name', '%OCTAVIA')), [octavia]))
check('filter ilikeAllOf', async () => assert.deepEqual(await cars((query) => query.ilikeAllOf('name', ['m%', '%s'])), [modelS]))
check('filter ilikeAnyOf', async () => assert.deepEqual(await cars((query) => query.ilikeAnyOf('name', ['oct%', '%3'])), [model3, octavia]))
check('filter regexMatch', async () => onlyOnPostgres((query) => query.regexMatch('name', '^Model [0-9]$'), [model3]))
check('filter regexIMatch', async () => onlyOnPostgres((query) => query.regexIMatch('name', '^model [a-z]$'), [modelS]))
check('filter is null', async () => assert.deepEqual(await cars((query) => query.is('owner_id', null)), [model3, modelS]))
check('filter is true, refused', async () => {
  await refused(client.from('cars').select().is('name', true), 400, /truth values/)
})
check('filter isDistinct', async () => assert.deepEqual(await cars((query) => query.isDistinct('owner_id', 1)), [model3, modelS, fabia]))
check('filter in', async () => {
  assert.deepEqual(await cars((query) => query.in('name', [modelS, octavia, 'a, (b)'])), [modelS, octavia])
  assert.deepEqual(await cars((query) => query.in('id', [])), [])
  // The client puts quotes around a value with a comma, but escapes none that are in it.
  await refused(client.from('cars').select().in('name', [fabia]), 400, /expected `\)`/)
})
check('filter notIn', async () => assert.deepEqual(await cars((query) => query.notIn('name', [model3, octavia])), [modelS, fabia]))
check('filter contains', async () => onlyOnPostgres((query) => query.contains('equipment', JSON.stringify(['radio'])), [model3]))
check('filter contains, an array of a JSON column', async () => {
  // The client writes a JavaScript array as PostgreSQL's `{radio}`, which is no JSON: PostgREST refuses it too.
  await refused(client.from('cars').select().contains('equipment', ['radio']), 400, onPostgres ? /JSON/ : /has no `cs`/)
})
check('filter containedBy', async () => {
  const all = JSON.stringify(['radio', 'hook', 'roof'])
  await onlyOnPostgres((query) => query.containedBy('equipment', all), [model3, modelS, octavia, fabia])
})
for (const method of ['rangeGt', 'rangeGte', 'rangeLt', 'rangeLte', 'rangeAdjacent']) {
  check(`filter ${method}, refused`, async () => {
    await refused(client.from('cars').select()[method]('year', '[2000,2010)'), 400, /ranges/)
  })
}
check('filter overlaps, refused', async () => {
  await refused(client.from('cars').select().overlaps('name', ['a', 'b']), 400, /lists/)
})
check('filter textSearch', async () => {
  await onlyOnPostgres((query) => query.textSearch('name', 'octavia'), [octavia])
  await onlyOnPostgres((query) => query.textSearch('name', 'octavia model', { type: 'plain', config: 'english' }), [])
  await onlyOnPostgres((query) => query.textSearch('name', 'model 3', { type: 'phrase' }), [model3])
  await onlyOnPostgres((query) => query.textSearch('name', 'octavia or fabia', { type: 'websearch' }), [octavia, fabia])
})
check('filter match', async () => assert.deepEqual(await cars((query) => query.match({ maker_id: 1, year: 2021 })), [modelS]))
check('filter not', async () => {
  assert.deepEqual(await cars((query) => query.not('owner_id', 'is', null)), [octavia, fabia])
  assert.deepEqual(await cars((query) => query.not('name', 'like', 'Model%')), [octavia, fabia])
  assert.deepEqual(await cars((query) => query.not('id', 'in', '(1,2,3)')), [fabia])
})
check('filter or', async () => {
  assert.deepEqual(await cars((query) => query.or('id.eq.1,and(year.gt.2019,price.lt.30000)')), [model3, octavia])
  assert.deepEqual(await cars((query) => query.or('name.eq."Fabia, \\"RS\\"",not.and(id.gt.1,id.lt.9)')), [model3, fabia])
})
check('filter by operator', async () => {
  assert.deepEqual(await cars((query) => query.filter('id', 'in', '(1,4)')), [model3, fabia])
  assert.deepEqual(await cars((query) => query.filter('year', 'eq(any)', '{2015,2021}')), [modelS, fabia])
})
check('filter by a JSON path', async () => assert.deepEqual(await cars((query) => query.eq('equipment->>0', 'radio')), [model3]))
check('filter refused, with the nearest', async () => {
  await refused(client.from('cars').select().eq('yeer', 2019), 400, /yeer.*year/)
  await refused(client.from('cars').select().filter('year', 'eqq', 1), 400, /operator/)
})

// Order and pages

check('order', async () => {
  const rows = await data(client.from('cars').select('id').order('maker_id', { ascending: false }).order('price'))
  assert.deepEqual(rows.map((car) => car.id), [4, 3, 1, 2])
})
check('order, nulls first and last', async () => {
  const first = await data(client.from('cars').select('id').order('owner_id', { nullsFirst: true }).order('id'))
  assert.deepEqual(first.map((car) => car.id), [1, 2, 3, 4])
  const last = await data(client.from('cars').select('id').order('owner_id', { ascending: false, nullsFirst: false }).order('id'))
  assert.deepEqual(last.map((car) => car.id), [4, 3, 1, 2])
})
check('order by nulls as PostgreSQL does', async () => {
  const up = await data(client.from('cars').select('id').order('owner_id').order('id'))
  assert.deepEqual(up.map((car) => car.id), [3, 4, 1, 2])
  const down = await data(client.from('cars').select('id').order('owner_id', { ascending: false }).order('id'))
  assert.deepEqual(down.map((car) => car.id), [1, 2, 4, 3])
})
check('order by a related column', async () => {
  const rows = await data(client.from('cars').select('id, makers()').order('makers(name)', { ascending: false }).order('id'))
  assert.deepEqual(rows.map((car) => car.id), [3, 4, 1, 2])
})
check('limit', async () => assert.deepEqual(await data(client.from('cars').select('id').limit(2).order('id')), [{ id: 1 }, { id: 2 }]))
check('range', async () => {
  const answer = await client.from('cars').select('id', { count: 'exact' }).order('id').range(1, 2)
  assert.deepEqual([answer.data, answer.count, answer.status], [[{ id: 2 }, { id: 3 }], 4, 206])
})
check('range beyond the rows', async () => {
  await refused(client.from('cars').select('id', { count: 'exact' }).range(9, 10), 416, /4/)
})
for (const count of ['exact', 'planned', 'estimated']) {
  check(`count ${count}`, async () => {
    const answer = await client.from('cars').select('id', { count }).gt('id', 0)
    assert.equal(answer.error, null, JSON.stringify(answer.error))
    assert.ok(Number.isInteger(answer.count), `${answer.count}`)
    if (count !== 'planned') assert.equal(answer.count, 4)
  })
}
check('head', async () => {
  const answer = await client.from('cars').select('*', { count: 'exact', head: true }).eq('maker_id', 1)
  assert.deepEqual([answer.data, answer.count, answer.status], [null, 2, 200])
})

// Forms of the answer

check('single', async () => {
  assert.deepEqual(await data(client.from('makers').select('name').eq('id', 2).single()), { name: 'Škoda' })
  const none = await refused(client.from('makers').select().eq('id', 99).single(), 406, /row/)
  assert.match(none.details, /0 rows/)
  const many = await refused(client.from('makers').select().single(), 406, /row/)
  assert.match(many.details, /3 rows/)
})
check('maybeSingle', async () => {
  assert.deepEqual(await data(client.from('makers').select('name').eq('id', 2).maybeSingle()), { name: 'Škoda' })
  assert.equal(await data(client.from('makers').select('name').eq('id', 99).maybeSingle()), null)
  const many = await client.from('makers').select('name').lt('id', 3).maybeSingle()
  assert.deepEqual([many.error.code, many.status], ['PGRST116', 406])
})
check('csv', async () => {
  assert.equal((await data(client.from('makers').select('name,country').order('id').csv())).trimEnd(), 'name,country\nTesla,US\nŠkoda,CZ\nTrabant,DE')
})
check('stripNulls', async () => {
  assert.deepEqual(await data(client.from('cars').select('id,owner_id').order('id').limit(1).stripNulls()), [{ id: 1 }])
  assert.deepEqual(await data(client.from('cars').select('id,owner_id').eq('id', 1).single().stripNulls()), { id: 1 })
})
check('geojson, refused', async () => void (await refused(client.from('cars').select().geojson(), 406, /geo\+json/)))
check('explain, refused', async () => {
  await refused(client.from('cars').select().explain(), 406, /vnd\.pgrst\.plan\+text/)
  await refused(client.from('cars').select().explain({ analyze: true, verbose: true, format: 'json' }), 406, /vnd\.pgrst\.plan\+json/)
})
check('aggregates', async () => {
  const rows = await data(client.from('cars').select('maker_id, count(), year.max(), total:price.sum()').order('maker_id'))
  assert.deepEqual(rows, [
    { maker_id: 1, count: 2, max: 2021, total: '90000.50' },
    { maker_id: 2, count: 2, max: 2020, total: '29999.99' },
  ])
  assert.deepEqual(await data(client.from('cars').select('year.avg()::text, year.min()').eq('maker_id', 1).single()).then((row) => row.min), 2019)
})
check('aggregates, embedded', async () => {
  const rows = await data(client.from('makers').select('name, cars(count())').order('id'))
  assert.deepEqual(rows.map((maker) => maker.cars[0].count), [2, 2, 0])
})
check('aggregates, not allowed', async () => void (await refused(client.from('tags').select('count()'), 400, /aggregate/i)))

// Writing: each check takes away what it adds.

const praga = { name: 'Praga', country: 'CZ' }

check('insert one', async () => {
  const answer = await client.from('makers').insert(praga)
  assert.deepEqual([answer.error, answer.data, answer.status], [null, null, 201])
  await data(client.from('makers').delete().eq('name', 'Praga'))
})
check('insert one, and select it', async () => {
  const row = await data(client.from('makers').insert(praga).select('name, country').single())
  assert.deepEqual(row, praga)
  await data(client.from('makers').delete().eq('name', 'Praga'))
})
check('insert many', async () => {
  const answer = await client.from('tags').insert([{ name: 'red' }, { name: 'blue' }], { count: 'exact' }).select('name')
  assert.deepEqual([answer.error, answer.data, answer.count], [null, [{ name: 'red' }, { name: 'blue' }], 2])
  await data(client.from('tags').delete().in('name', ['red', 'blue']))
})
check('insert many, missing columns by default', async () => {
  const car = (vin) => ({ maker_id: 1, vin, name: vin, year: 2000, price: '1' })
  const rows = await data(
    client.from('cars').insert([car('D1'), { ...car('D2'), state: 'reserved' }], { defaultToNull: false }).select('vin, state'),
  )
  assert.deepEqual(rows, [{ vin: 'D1', state: 'for_sale' }, { vin: 'D2', state: 'reserved' }])
  await data(client.from('cars').delete().like('vin', 'D_'))
})
check('insert many, missing columns as null', async () => {
  const car = (vin) => ({ maker_id: 1, vin, name: vin, year: 2000, price: '1' })
  const rows = await data(client.from('cars').insert([car('D1'), { ...car('D2'), owner_id: 1, state: 'sold' }].map((it) => ({ ...it, state: 'reserved' }))).select('vin, owner_id'))
  assert.deepEqual(rows, [{ vin: 'D1', owner_id: null }, { vin: 'D2', owner_id: 1 }])
  await data(client.from('cars').delete().like('vin', 'D_'))
})
check('insert refused by a constraint', async () => {
  const problem = await refused(client.from('tags').insert({ name: 'new' }), 409, /there already/)
  assert.equal(problem.code, 'unique_violation')
})
check('insert refused by the model', async () => {
  const problem = await refused(client.from('cars').insert({ vin: 1, colour: 'red' }), 422, /payload/)
  assert.match(problem.details, /\/vin: .*\/colour: /)
})
check('upsert', async () => {
  const rows = await data(client.from('makers').upsert([{ id: 3, name: 'Trabant', country: 'GDR' }, { id: 30, name: 'Jawa', country: 'CZ' }]).select())
  assert.deepEqual(rows, [{ id: 3, name: 'Trabant', country: 'GDR' }, { id: 30, name: 'Jawa', country: 'CZ' }])
  await data(client.from('makers').update({ country: 'DE' }).eq('id', 3))
  await data(client.from('makers').delete().eq('id', 30))
})
check('upsert onConflict', async () => {
  const rows = await data(client.from('makers').upsert({ name: 'Trabant', country: 'GDR' }, { onConflict: 'name' }).select('id, country'))
  assert.deepEqual(rows, [{ id: 3, country: 'GDR' }])
  await data(client.from('makers').update({ country: 'DE' }).eq('id', 3))
})
check('upsert ignoreDuplicates', async () => {
  const rows = await data(
    client.from('makers').upsert([{ name: 'Trabant', country: 'X' }, { name: 'Wartburg', country: 'DE' }], { onConflict: 'name', ignoreDuplicates: true }).select('name'),
  )
  assert.deepEqual(rows, [{ name: 'Wartburg' }])
  assert.deepEqual(await data(client.from('makers').select('country').eq('id', 3).single()), { country: 'DE' })
  await data(client.from('makers').delete().eq('name', 'Wartburg'))
})
check('upsert with defaults and a count', async () => {
  const answer = await client.from('makers').upsert({ id: 3, name: 'Trabant', country: 'DE' }, { count: 'exact', defaultToNull: false })
  assert.deepEqual([answer.error, answer.count, answer.data], [null, 1, null])
})
check('update', async () => {
  const answer = await client.from('makers').update({ country: 'GDR' }, { count: 'exact' }).eq('id', 3)
  assert.deepEqual([answer.error, answer.data, answer.count, answer.status], [null, null, 1, 204])
  assert.deepEqual(await data(client.from('makers').update({ country: 'DE' }).eq('id', 3).select()), [{ id: 3, name: 'Trabant', country: 'DE' }])
})
check('update refused without a filter', async () => void (await refused(client.from('makers').update({ country: 'X' }), 400, /every row/)))
check('delete', async () => {
  await data(client.from('tags').insert([{ name: 'x1' }, { name: 'x2' }, { name: 'x3' }]))
  const answer = await client.from('tags').delete({ count: 'exact' }).eq('name', 'x1')
  assert.deepEqual([answer.error, answer.data, answer.count, answer.status], [null, null, 1, 204])
  assert.deepEqual(await data(client.from('tags').delete().like('name', 'x_').select('name').order('name')), [{ name: 'x2' }, { name: 'x3' }])
})
check('delete refused without a filter', async () => void (await refused(client.from('tags').delete(), 400, /every row/)))
check('delete refused by a constraint', async () => void (await refused(client.from('makers').delete().eq('id', 1), 409, /still refer to it/)))
check('write, single', async () => {
  const row = await data(client.from('makers').update({ country: 'DE' }).eq('id', 3).select('name').single())
  assert.deepEqual(row, { name: 'Trabant' })
  await refused(client.from('makers').update({ country: 'X' }).lt('id', 3).select().single(), 406, /row/)
  assert.deepEqual(await data(client.from('makers').select('country').eq('id', 1).single()), { country: 'US' })
})
check('write, maybeSingle', async () => {
  assert.equal(await data(client.from('makers').update({ country: 'X' }).eq('id', 99).select().maybeSingle()), null)
})
check('write, csv', async () => {
  assert.equal((await data(client.from('makers').update({ country: 'DE' }).eq('id', 3).select('name').csv())).trimEnd(), 'name\nTrabant')
})
check('maxAffected', async () => {
  await refused(client.from('makers').update({ country: 'X' }).gt('id', 0).maxAffected(2), 400, /3 rows/)
  assert.deepEqual(await data(client.from('makers').select('country').eq('id', 1).single()), { country: 'US' })
  await data(client.from('makers').update({ country: 'DE' }).eq('id', 3).maxAffected(1))
})
check('rollback', async () => {
  assert.deepEqual(await data(client.from('tags').insert({ name: 'never' }).select('name').rollback()), [{ name: 'never' }])
  assert.deepEqual(await data(client.from('tags').select().eq('name', 'never')), [])
})

// Mistakes

check('throwOnError', async () => {
  await assert.rejects(async () => client.from('makers').select('nam').throwOnError(), (error) => {
    assert.equal(error.name, 'PostgrestError')
    assert.equal(error.code, 'invalid_query')
    assert.match(error.message, /nam.*name/)
    return 'details' in error && 'hint' in error
  })
})
check('a scope, by a header', async () => {
  const sales = (customer) => client.from('sales').select('id').setHeader('X-Customer', customer)
  assert.deepEqual(await data(sales('1')), [{ id: 1 }])
  await refused(sales('me'), 401, /no customer's number/)
})
check('no such resource', async () => {
  const answer = await client.from('carz').select()
  assert.deepEqual([answer.status, answer.error.code], [404, 'not_found'])
  assert.ok(answer.error.message)
})
check('rpc, refused', async () => {
  const answer = await client.rpc('hello')
  assert.equal(answer.status, 404)
  assert.ok(answer.error.message)
})

// What only concerns types and the connection.
const OTHERS = ['returns', 'overrideTypes', 'abortSignal', 'retry']
check('every method of the library is called', () => {
  assert.deepEqual([...uncalled].filter((name) => !OTHERS.includes(name)), [])
})

let failed = 0
for (const { name, run } of checks) {
  try {
    await run()
    console.log(`ok      ${name}`)
  } catch (error) {
    failed += 1
    console.log(`FAILED  ${name}\n        ${error.message.replaceAll('\n', '\n        ')}`)
  }
}
console.log(`${checks.length - failed} of ${checks.length} checks passed on ${database}`)
process.exitCode = failed > 0 ? 1 : 0
