export const up = ({ schema }) =>
  schema.createTable('notes', (table) => {
    table.increments('id')
    table.text('text').notNullable()
    table.timestamp('written_at').notNullable().defaultTo(schema.client.raw('now()'))
  })

export const down = ({ schema }) => schema.dropTable('notes')
