import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readCompilerOutput } from '../../src/load/compiler-output.ts'
import { hashProject } from '../../src/load/project-hash.ts'
import { startTypeCheck } from '../../src/load/type-check.ts'
import { projectFolder, told } from './project-folder.ts'

const tsconfig = JSON.stringify({
  compilerOptions: { target: 'es2024', module: 'nodenext', strict: true, types: [], skipLibCheck: true },
  include: ['*.ts'],
})

test('type errors come with their places; a green answer is remembered', async () => {
  const root = projectFolder({ 'tsconfig.json': tsconfig, 'a.ts': "export const a: number = 'x'\n" })
  expect(await told(() => startTypeCheck(root).result)).toEqual([
    "a.ts:1:14: Type 'string' is not assignable to type 'number'. (TS2322)",
  ])
  expect(existsSync(`${root}/.deploy/type-check.json`)).toBe(false)

  writeFileSync(`${root}/a.ts`, 'export const a: number = 1\n')
  await startTypeCheck(root).result
  const remembered = readFileSync(`${root}/.deploy/type-check.json`, 'utf8')
  expect(statSync(`${root}/.deploy`).mode & 0o777).toBe(0o700)

  rmSync(`${root}/.deploy/tsc.tsbuildinfo`)
  await startTypeCheck(root).result
  expect(existsSync(`${root}/.deploy/tsc.tsbuildinfo`)).toBe(false)
  expect(readFileSync(`${root}/.deploy/type-check.json`, 'utf8')).toBe(remembered)

  writeFileSync(`${root}/a.ts`, 'export const a: string = 1\n')
  expect(await told(() => startTypeCheck(root).result)).toEqual([
    "a.ts:1:14: Type 'number' is not assignable to type 'string'. (TS2322)",
  ])
})

test('a stopped check ends at once and says nothing', async () => {
  const root = projectFolder({ 'tsconfig.json': tsconfig, 'a.ts': "export const a: number = 'x'\n" })
  const check = startTypeCheck(root)
  check.stop()
  await check.result
  expect(existsSync(`${root}/.deploy/type-check.json`)).toBe(false)
})

test('a project without settings', async () => {
  expect(await told(() => startTypeCheck(projectFolder({})).result)).toEqual([
    'tsconfig.json is not there (deploy init, or run without this check: --no-check)',
  ])
  // A verb without that option is not told of it.
  expect(await told(() => startTypeCheck(projectFolder({}), { warns: true }).result)).toEqual([
    'tsconfig.json is not there (deploy init)',
  ])
})

test('the hash counts what can change the answer, and nothing else', () => {
  const files = {
    'a.ts': '1',
    'templates/x.hbs': '2',
    'tsconfig.json': '3',
    'package-lock.json': '4',
    'README.md': '5',
  }
  const root = projectFolder(files)
  const before = hashProject(root, ['7.0'])
  expect(hashProject(root, ['7.1'])).not.toBe(before)
  for (const path of Object.keys(files)) {
    writeFileSync(`${root}/${path}`, 'other')
    expect([path, hashProject(root, ['7.0']) === before]).toEqual([path, path === 'README.md'])
    writeFileSync(`${root}/${path}`, files[path as keyof typeof files])
  }
  expect(hashProject(root, ['7.0'])).toBe(before)
})

test('the lines of the compiler', () => {
  const output = [
    "playbooks/site.ts(12,7): error TS2322: Type 'A' is not assignable to type 'B'.",
    "  Property 'x' is missing in type 'A'.",
    'error TS18003: No inputs were found in config file.',
    '',
  ].join('\n')
  expect(
    readCompilerOutput(output, new Map(), () => '').map(({ where, message, code, exit }) => ({
      where,
      message,
      code,
      exit,
    })),
  ).toEqual([
    {
      where: 'playbooks/site.ts:12:7',
      message: "Type 'A' is not assignable to type 'B'. (TS2322)\n  Property 'x' is missing in type 'A'.",
      code: 'E_TYPES',
      exit: 64,
    },
    { where: undefined, message: 'No inputs were found in config file. (TS18003)', code: 'E_TYPES', exit: 64 },
  ])
})
