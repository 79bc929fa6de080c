import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { projectFolder } from './project-folder.ts'

const HOSTS = 10_000

test('F14 10,000 hosts load in seconds and in less than 300 MB', () => {
  const names = Array.from({ length: HOSTS }, (_, index) => `h${index}`)
  const hosts = names.map(
    (name, index) => `  ${name}: { address: 10.0.${index >> 8}.${index & 255}, vars: { port: ${index} } }\n`,
  )
  const yaml = `groups:\n  app: { hosts: [${names.join(', ')}], vars: { domain: a } }\n  db: { hosts: [${names.join(', ')}] }\nhosts:\n${hosts.join('')}`
  const root = projectFolder({ 'inventories/prod.yaml': yaml })
  const script = `
    const { loadInventory } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/load/inventory.ts'))})
    const start = performance.now()
    const { inventory } = await loadInventory(${JSON.stringify(root)}, 'prod')
    const { maxRSS } = process.resourceUsage()
    console.log(JSON.stringify({ hosts: inventory.hosts.length, ms: performance.now() - start, mb: maxRSS / 1024 }))`
  const output = execFileSync(process.execPath, ['--conditions=source', '--input-type=module', '-e', script], {
    timeout: 30_000,
  })
  const { hosts: count, ms, mb } = JSON.parse(output.toString()) as { hosts: number; ms: number; mb: number }
  expect(count).toBe(HOSTS)
  expect(mb).toBeLessThan(300)
  // The promise is 2 s on an idle machine; beside other tests it may take longer, but never the time of an O(n²).
  expect(ms).toBeLessThan(10_000)
}, 40_000)
