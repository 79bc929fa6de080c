// Expand: a column that may be empty, so that version 1, which does not know it, goes on writing notes beside version 2.
export const up = ({ schema }) => schema.alterTable('notes', (table) => table.text('author'))

export const down = ({ schema }) => schema.alterTable('notes', (table) => table.dropColumn('author'))
