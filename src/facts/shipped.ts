export { addresses } from './addresses.ts'
export { cpus } from './cpus.ts'
export { memory } from './memory.ts'
export { os } from './os.ts'
