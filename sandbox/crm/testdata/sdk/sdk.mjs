// Drives the sandbox CRM with HubSpot's own client: if it cannot read an answer, the
// sandbox does not speak HubSpot's dialect. Prints what it proved, one line each.
import assert from 'node:assert/strict'
import hubspot from '@hubspot/api-client'

const client = new hubspot.Client({
  accessToken: process.env.CRM_TOKEN,
  basePath: process.env.CRM_URL,
  numberOfApiCallRetries: 0,
})
const { deals, companies, contacts, objects, pipelines, owners, properties, associations } = client.crm
const key = 'expansion_opportunity_id'
const company = process.env.CRM_COMPANY
const owner = process.env.CRM_OWNER
const proved = (what) => console.log('ok ' + what)

// refused runs a call that must fail and returns the error's status and body.
async function refused(call, status) {
  try {
    await call()
  } catch (e) {
    assert.equal(e.code, status, String(e))
    assert.equal(e.body.status, 'error')
    assert.ok(e.body.correlationId)
    return e.body
  }
  assert.fail('the call was not refused')
}

const all = await pipelines.pipelinesApi.getAll('deals')
assert.equal(all.results[0].id, 'default')
const stages = all.results[0].stages
assert.equal(stages.length, 7)
assert.deepEqual(stages[0].metadata, { isClosed: 'false', probability: '0.2' })
assert.deepEqual(stages[5].metadata, { isClosed: 'true', probability: '1.0' })
assert.ok(stages[0].createdAt instanceof Date)
proved('pipelines')

const people = await owners.ownersApi.getPage(undefined, undefined, 100, false)
assert.ok(people.results.some((o) => o.id === owner && o.email))
assert.notEqual(String(people.results[0].userId), people.results[0].id)
assert.equal((await owners.ownersApi.getById(Number(owner))).id, owner)
proved('owners')

await refused(() => deals.basicApi.create({ properties: { [key]: 'x' }, associations: [] }), 400)
const made = await properties.coreApi.create('deals', {
  name: key, label: 'Expansion opportunity ID', type: 'string', fieldType: 'text',
  groupName: 'dealinformation', hasUniqueValue: true,
})
assert.equal(made.hasUniqueValue, true)
await refused(() => properties.coreApi.create('deals', {
  name: key, label: 'Again', type: 'string', fieldType: 'text', groupName: 'dealinformation',
}), 409)
assert.ok((await properties.coreApi.getAll('deals')).results.some((p) => p.name === key))
proved('properties')

const upsert = (properties) => deals.batchApi.upsert({ inputs: [{ idProperty: key, id: 'opp-1', properties }] })
const first = await upsert({ dealname: 'Seats', pipeline: 'default', dealstage: 'appointmentscheduled', amount: '19200.00', hubspot_owner_id: owner })
assert.equal(first.status, 'COMPLETE')
assert.equal(first.results[0]._new, true)
const second = await upsert({ dealname: 'More seats' })
assert.equal(second.results[0]._new, false)
const id = second.results[0].id
assert.equal(id, first.results[0].id)
assert.equal(second.results[0].properties.hs_deal_stage_probability, '0.2')
proved('upsert by a unique property')

const created = await deals.basicApi.create({
  properties: { dealname: 'By hand', dealstage: 'closedwon' },
  associations: [{ to: { id: company }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: hubspot.AssociationTypes.dealToCompany }] }],
})
assert.equal(created.properties.hs_is_closed_won, 'true')
const conflict = await refused(() => deals.basicApi.update(created.id, { properties: { [key]: 'opp-1' } }), 409)
assert.equal(conflict.category, 'CONFLICT')
proved('create, and one value per unique property')

const byKey = await deals.basicApi.getById('opp-1', ['dealname', 'amount', key], undefined, undefined, false, key)
assert.equal(byKey.id, id)
assert.ok(byKey.createdAt instanceof Date && byKey.updatedAt instanceof Date)
await deals.basicApi.update('opp-1', { properties: { dealstage: 'qualifiedtobuy', closedate: '2026-03-31' } }, key)
const read = await deals.batchApi.read({ inputs: [{ id: 'opp-1' }, { id: 'never' }], idProperty: key, properties: ['dealstage', 'closedate'], propertiesWithHistory: [] })
assert.equal(read.results.length, 1)
assert.equal(read.errors[0].category, 'OBJECT_NOT_FOUND')
assert.deepEqual(read.errors[0].context.ids, ['never'])
assert.equal(read.results[0].properties.dealstage, 'qualifiedtobuy')
assert.equal(read.results[0].properties.closedate, '2026-03-31T00:00:00Z')
proved('get, update and batch read by a unique property')

const linked = await associations.v4.basicApi.createDefault('deals', id, 'companies', company)
assert.equal(linked.status, 'COMPLETE')
const page = await associations.v4.basicApi.getPage('deals', id, 'companies')
assert.equal(String(page.results[0].toObjectId), company)
assert.deepEqual(page.results[0].associationTypes.map((t) => t.typeId).sort((a, b) => a - b), [5, 341])
const batch = await associations.v4.batchApi.getPage('deals', 'companies', { inputs: [{ id }] })
assert.equal(String(batch.results[0].to[0].toObjectId), company)
const withCompany = await deals.basicApi.getById(id, undefined, undefined, ['companies'])
assert.equal(withCompany.associations.companies.results[0].id, company)
proved('associations')

const note = await objects.notes.basicApi.create({
  properties: { hs_note_body: 'Brief [R-311]', hs_timestamp: '2026-03-02T09:00:00Z' },
  associations: [
    { to: { id }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: hubspot.AssociationTypes.noteToDeal }] },
    { to: { id: company }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: hubspot.AssociationTypes.noteToCompany }] },
  ],
})
const notes = await associations.v4.basicApi.getPage('deals', id, 'notes')
assert.equal(String(notes.results[0].toObjectId), note.id)
await refused(() => objects.notes.basicApi.create({ properties: { hs_note_body: 'x' }, associations: [] }), 400)
const task = await objects.tasks.basicApi.create({
  properties: { hs_task_subject: 'Call Jo', hs_task_status: 'NOT_STARTED', hs_timestamp: '1772442000000', hubspot_owner_id: owner },
  associations: [{ to: { id }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: hubspot.AssociationTypes.taskToDeal }] }],
})
assert.equal(task.properties.hs_timestamp, '2026-03-02T09:00:00Z')
proved('notes and tasks')

const search = await deals.searchApi.doSearch({
  filterGroups: [{ filters: [{ propertyName: 'amount', operator: 'GTE', value: '19000' }, { propertyName: 'dealstage', operator: 'IN', values: ['qualifiedtobuy'] }] }],
  sorts: ['-hs_lastmodifieddate'], properties: ['dealname'], limit: 1, after: '0',
})
assert.equal(search.total, 1)
assert.equal(search.results[0].properties.dealname, 'More seats')
const found = await companies.searchApi.doSearch({
  filterGroups: [{ filters: [{ propertyName: 'domain', operator: 'EQ', value: 'brightwater.example' }] }],
  sorts: [], properties: ['name'], limit: 10, after: '0',
})
assert.equal(found.results[0].id, company)
await refused(() => deals.searchApi.doSearch({ filterGroups: [], sorts: [], properties: [], limit: 201, after: '0' }), 400)
proved('search')

const jo = await contacts.basicApi.create({ properties: { email: 'jo@brightwater.example', firstname: 'Jo' }, associations: [] })
const twice = await refused(() => contacts.basicApi.create({ properties: { email: 'jo@brightwater.example' }, associations: [] }), 409)
assert.match(twice.message, new RegExp('Existing ID: ' + jo.id))
proved('contacts')

const bad = await refused(() => deals.basicApi.update(id, { properties: { dealstage: 'nowhere', amount: '1e3', nonsense: 'x', hs_is_closed: 'true', hubspot_owner_id: '1' } }), 400)
assert.equal(bad.category, 'VALIDATION_ERROR')
assert.deepEqual(bad.errors.map((e) => e.code).sort(), ['INVALID_INTEGER', 'INVALID_OPTION', 'INVALID_OWNER_ID', 'PROPERTY_DOESNT_EXIST', 'READ_ONLY_VALUE'])
await refused(() => deals.basicApi.update(id, { properties: { amount: 19200 } }), 400)
await refused(() => deals.batchApi.read({ inputs: Array.from({ length: 101 }, (_, i) => ({ id: String(i + 1) })), properties: [], propertiesWithHistory: [] }), 400)
proved('refusals')

await deals.basicApi.archive(id)
await refused(() => deals.basicApi.getById(id), 404)
assert.equal((await deals.basicApi.getById(id, undefined, undefined, undefined, true)).archived, true)
await deals.batchApi.archive({ inputs: [{ id: created.id }] })
assert.equal((await deals.basicApi.getPage(100)).results.length, 0)
proved('archive')

const stranger = new hubspot.Client({ accessToken: 'wrong', basePath: process.env.CRM_URL, numberOfApiCallRetries: 0 })
const denied = await refused(() => stranger.crm.deals.basicApi.getPage(1), 401)
assert.equal(denied.category, 'INVALID_AUTHENTICATION')
proved('a wrong token')
