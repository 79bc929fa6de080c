import { sourcedTaskType, type Task, type TaskOptions } from '../model/task.ts'
import { invalidOwnership } from './ownership.ts'
import { invalidPath } from './path.ts'
import { bytesContent } from './steps.ts'
import { renderTemplate } from './template/render.ts'
import type { TemplateData } from './template/templates.ts'
import { resolveFile, type WholeFile, wholeFile } from './whole-file.ts'

export interface Template<From extends string = string> extends WholeFile {
  /** A Handlebars template, looked up in the project's templates/, then in the package's. */
  readonly from: From
  /** Absolute path on the host, normalised. */
  readonly to: string
  /**
   * Everything the template may name; nothing is implicit. What it names and does not find here is an error, of the types
   * already where `deploy types` knows the template.
   */
  readonly data: TemplateData<From>
}

/**
 * Keeps a file rendered from a template. Rendering is strict and never escapes: a missing, null or object value and a
 * line break within a value are errors of the plan, with the template's line. Helpers: if, unless, each, with, lookup,
 * eq, ne, and, or, not, join, json, and `lines` for values that are whole lines.
 *
 * @example
 * template({ from: 'app.env.hbs', to: '/etc/app.env', data: { port: 3000 }, owner: 'root', mode: '0640' })
 */
export const template: <From extends string>(want: Template<From>, options?: TaskOptions) => Task = sourcedTaskType(
  'template',
  {
    ...wholeFile,
    invalid,
    resolve: (want: Template, sources) => {
      const { text, file } = sources.template(want.from)
      return resolveFile(want.to, want, bytesContent(renderTemplate(text, want.data, file), want.data))
    },
  },
)

function invalid(want: Template): string | undefined {
  if (!want.from) return 'from must name a template'
  if (typeof want.data !== 'object' || want.data === null || Array.isArray(want.data)) return 'data must be an object'
  return invalidPath(want.to) ?? invalidOwnership(want)
}
