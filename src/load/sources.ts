import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import type { ArchiveSource, Content, Sources } from '../model/content.ts'
import { unknownName } from '../model/unknown-name.ts'
import { readArchive } from './archive.ts'
import { fileContent } from './file-content.ts'
import { packFolder } from './folder.ts'
import { localFile } from './local-file.ts'
import { shownPath } from './shown-path.ts'
import { toolRoot } from './tool-root.ts'
import { usageError } from './usage-error.ts'

/**
 * The templates and files of a project, each read once. Their errors carry no place: they are about what a task asks
 * for, and the task knows its line.
 */
export function projectSources(root: string): Sources {
  const templates = new Map<string, ReturnType<Sources['template']>>()
  const files = new Map<string, Content>()
  const archives = new Map<string, ArchiveSource>()
  const folders = new Map<string, ArchiveSource>()
  const file = (from: string) => cached(files, from, () => readFile(root, from))
  return {
    template: (from) => cached(templates, from, () => readTemplate(root, from)),
    file,
    local: (path) => localFile(root, path),
    archive: (from) => cached(archives, from, () => archive(root, from, file(from))),
    folder: (from) => (isFolder(resolve(root, from)) ? cached(folders, from, () => folder(root, from)) : undefined),
  }
}

/** A template of a project or of the package, by its name; the project's own one where both have it. */
export interface FoundTemplate {
  readonly name: string
  readonly path: string
  /** The file as messages name it, the same on every machine. */
  readonly file: string
}

/** All templates a project can use, in the order of their names. */
export function findTemplates(root: string): readonly FoundTemplate[] {
  const own = root === toolRoot() ? shippedNames() : templateNames(join(root, 'templates'))
  const shipped = shippedNames().filter((name) => !own.includes(name))
  return [
    ...own.map((name) => ({ name, path: join(root, 'templates', name), file: `templates/${name}` })),
    ...shipped.map((name) => ({ name, path: join(toolRoot(), 'templates', name), file: `evenkeel/templates/${name}` })),
  ].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** The text of a template's file. @throws DeployError `E_NO_TEMPLATE` when it is not UTF-8. */
export function templateText({ path, file }: FoundTemplate): string {
  return text(path, file)
}

function readTemplate(root: string, from: string): ReturnType<Sources['template']> {
  if (isAbsolute(from) || from.split('/').includes('..')) {
    const message = `template ${JSON.stringify(from)} is refused: it must stand below templates/`
    throw usageError({ code: 'E_BAD_PATH', message })
  }
  const own = join(root, 'templates', from)
  const shipped = join(toolRoot(), 'templates', from)
  if (isFile(own)) return { text: text(own, shownPath(root, own)), file: shownPath(root, own) }
  if (isFile(shipped)) return { text: text(shipped, from), file: shownPath(root, shipped) }
  const { message, hint } = unknownName('template', from, [
    ...templateNames(join(root, 'templates')),
    ...shippedNames(),
  ])
  throw usageError({ code: 'E_NO_TEMPLATE', message, hint })
}

function readFile(root: string, from: string): Content {
  const path = resolve(root, from)
  const state = statSync(path, { throwIfNoEntry: false })
  if (state?.isFile()) return readable(path, shownPath(root, path), () => fileContent(path, state.size))
  if (state) throw usageError({ code: 'E_NO_FILE', message: `${shownPath(root, path)} is not a file` })
  const { message, hint } = unknownName('file', basename(path), names(dirname(path)))
  throw usageError({ code: 'E_NO_FILE', message: `${shownPath(root, path)} is not there: ${message}`, hint })
}

function archive(root: string, from: string, content: Content): ArchiveSource {
  const path = resolve(root, from)
  const bytes = readable(path, shownPath(root, path), () => readFileSync(path))
  try {
    return { content, ...readArchive(bytes) }
  } catch (cause) {
    const message = `${shownPath(root, path)}: ${(cause as Error).message}`
    throw usageError({ code: 'E_ARCHIVE', message, cause })
  }
}

function folder(root: string, from: string): ArchiveSource {
  const path = resolve(root, from)
  return readable(path, shownPath(root, path), () => packFolder(path))
}

function text(path: string, shown: string): string {
  const bytes = readable(path, shown, () => readFileSync(path))
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw usageError({ code: 'E_NO_TEMPLATE', message: `${shown} is not UTF-8 text`, cause })
  }
}

function readable<T>(path: string, shown: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    const reason = (cause as Error).message.replace(/, \w+( '.*')?$/, '').replace(path, shown)
    throw usageError({ code: 'E_NO_FILE', message: `${shown} cannot be read: ${reason}`, cause })
  }
}

// What `deploy init` copies is no template of a task.
function shippedNames(): readonly string[] {
  return templateNames(join(toolRoot(), 'templates')).filter((name) => !name.startsWith('init/'))
}

function templateNames(folder: string): readonly string[] {
  return names(folder, true).filter((name) => name.endsWith('.hbs'))
}

function names(folder: string, recursive = false): readonly string[] {
  try {
    return readdirSync(folder, { recursive, encoding: 'utf8' }).sort()
  } catch {
    return []
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function cached<T>(cache: Map<string, T>, key: string, make: () => T): T {
  const known = cache.get(key)
  if (known !== undefined) return known
  const made = make()
  cache.set(key, made)
  return made
}
