import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chooseSubnet, hostAddress, overlap, parseBlock, subnetFree } from '../../src/lab/subnet.ts'

test.each([
  ['10.1.2.3', { first: 0x0a010203, bits: 32 }],
  ['10.1.2.3/24', { first: 0x0a010200, bits: 24 }],
  ['0.0.0.0/0', { first: 0, bits: 0 }],
  ['default', undefined],
  ['fd00::/64', undefined],
  ['10.1.2.300', undefined],
  ['10.1.2.3/33', undefined],
])('reads %s', (text, block) => {
  expect(parseBlock(text)).toEqual(block)
})

test.each([
  ['10.0.0.0/8', '10.1.2.0/24', true],
  ['10.1.2.0/24', '10.1.2.255', true],
  ['10.1.2.0/24', '10.1.3.0/24', false],
  ['192.168.0.0/16', '10.0.0.0/8', false],
])('%s and %s share an address: %s', (one, other, shared) => {
  expect(overlap(parseBlock(one)!, parseBlock(other)!)).toBe(shared)
  expect(overlap(parseBlock(other)!, parseBlock(one)!)).toBe(shared)
})

test('a default route uses nothing up', () => {
  expect(subnetFree('10.170.0', [parseBlock('0.0.0.0/0')!])).toBe(true)
})

test('a lab usually gets the same network again, and the next one when it is taken', () => {
  expect(chooseSubnet([], '000102')).toBe('10.161.2')
  expect(chooseSubnet(['10.161.2.1/24'], '000102')).toBe('10.161.3')
  expect(chooseSubnet(['10.161.0.0/16', '10.162.0.0/16'], '000102')).toBe('10.163.0')
})

test('gives nothing when all of it is taken', () => {
  expect(chooseSubnet(['10.0.0.0/8'], 'ffffff')).toBeUndefined()
})

test('never chooses a network in use', () => {
  const used = fc.array(fc.tuple(fc.integer({ min: 158, max: 193 }), fc.nat(255), fc.integer({ min: 12, max: 32 })))
  fc.assert(
    fc.property(used, fc.nat(0xffffff), (parts, number) => {
      const blocks = parts.map(([second, third, bits]) => `10.${second}.${third}.0/${bits}`)
      const subnet = chooseSubnet(blocks, number.toString(16).padStart(6, '0'))
      return (
        subnet === undefined || blocks.every((block) => !overlap(parseBlock(block)!, parseBlock(`${subnet}.0/24`)!))
      )
    }),
  )
})

test('hosts get addresses apart from the bridge', () => {
  expect([0, 239].map((index) => hostAddress('10.170.3', index))).toEqual(['10.170.3.10', '10.170.3.249'])
})
