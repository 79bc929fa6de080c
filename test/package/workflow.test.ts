import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Installed, install, ownFolder, run } from './installed.ts'
import { runWorkflow } from './workflow-runner.ts'

let installed: Installed

beforeAll(() => {
  installed = install(inject('tarball'))
  expect(run(installed.root, ['npx', '--no-install', 'deploy', 'init']).code).toBe(0)
  ownFolder(installed)
}, 180_000)

afterAll(() => rmSync(installed.root, { recursive: true, force: true }))

test('the workflow of a new project: a pull request shows its plan, a merge applies exactly that plan', () => {
  const hello = join(installed.root, 'hello/hello.txt')
  const proposed = runWorkflow(installed.root, 'pull_request')

  expect(proposed.plan?.failed).toBeUndefined()
  expect(proposed.plan?.summary).toContain('## Plan for local')
  expect(proposed.plan?.summary).toContain('| localhost | ➕ 3 to create |')
  expect(proposed.apply).toBeUndefined()
  expect(existsSync(hello)).toBe(false)

  const merged = runWorkflow(installed.root, 'push')
  expect(merged.plan?.failed).toBeUndefined()
  expect(merged.apply?.failed).toBeUndefined()
  expect(merged.apply?.folder).not.toBe(merged.plan?.folder)
  expect(readFileSync(hello, 'utf8')).toBe('Hello from localhost.\n')
}, 180_000)

test('a machine that changed between plan and apply is left alone, and the job fails', () => {
  const hello = join(installed.root, 'hello/hello.txt')
  appendFileSync(join(installed.root, 'templates/hello.txt.hbs'), 'One more line.\n')
  const workflow = join(installed.root, '.github/workflows/deploy.yml')
  const change = `      - run: echo by hand >${hello}\n      - run: npx --no-install deploy apply`
  const before = readFileSync(workflow, 'utf8')
  const altered = before.replace('      - run: npx --no-install deploy apply', change)
  expect(altered).not.toBe(before)
  writeFileSync(workflow, altered)
  const { plan, apply } = runWorkflow(installed.root, 'push')

  expect(plan?.failed).toBeUndefined()
  expect(plan?.summary).toContain('1 to change')
  expect(apply?.failed).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('the host changed since the plan was made'),
  })
  expect(readFileSync(hello, 'utf8')).toBe('by hand\n')
}, 180_000)
