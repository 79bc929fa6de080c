import type { Case } from '../row.ts'
import { connectionCases } from './connection.ts'
import { copyCases } from './copies.ts'
import { crashCases } from './crash.ts'
import { cutCases } from './cut.ts'
import { hostCases } from './host.ts'
import { inputCases } from './input.ts'
import { linkCases } from './links.ts'
import { outputCases } from './output.ts'
import { secretCases } from './secrets.ts'
import { shellCases } from './shells.ts'
import { sudoCases } from './sudo.ts'

/** All rows, in the order of their numbers. */
export const cases: readonly Case[] = [
  ...connectionCases,
  ...cutCases,
  ...crashCases,
  ...copyCases,
  ...secretCases,
  ...hostCases,
  ...sudoCases,
  ...shellCases,
  ...outputCases,
  ...linkCases,
  ...inputCases,
].toSorted((one, other) => Number(one.id.slice(1)) - Number(other.id.slice(1)))
