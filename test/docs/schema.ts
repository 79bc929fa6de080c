import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { root } from './markdown.ts'

type Schema = { [key: string]: unknown }

/** The schemas of docs/json, by their files. */
type SchemaName = 'plan' | 'apply' | 'offline' | 'saved-plan' | 'event' | 'drift' | 'status'

/** A schema of docs/json, as it is published. */
export function publishedSchema(name: SchemaName): Schema {
  return JSON.parse(readFileSync(join(root, `docs/json/${name}.schema.json`), 'utf8')) as Schema
}

/**
 * What is wrong with a document by the published schema, which lets fields through that it does not know; here they
 * count as wrong, so that no field is left undocumented.
 */
export function schemaErrors(name: SchemaName, document: unknown): readonly string[] {
  const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true })
  const validate = ajv.compile(closed(publishedSchema(name)) as Schema)
  if (validate(document)) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath}: ${message} ${JSON.stringify(params)}`,
  )
}

function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (!schema || typeof schema !== 'object') return schema
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  return 'properties' in schema && 'required' in schema ? { ...inner, additionalProperties: false } : inner
}
