import { describe, expect, test } from 'vitest'
import { probePassword, scram, verifier } from '../../../src/clusters/postgres/scram.ts'
import { Secret } from '../../../src/model/secret.ts'

const pencil = new Secret('p', 'pencil')

describe('verifiers of passwords', () => {
  test('it is that of RFC 7677', () => {
    const kept =
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU='
    expect(scram('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096)).toBe(kept)
  })

  test('it is the same each time, of the form both servers read, and shown nowhere', () => {
    const one = verifier('notes', pencil)
    expect(one.reveal()).toBe(verifier('notes', pencil).reveal())
    expect(one.reveal()).toMatch(/^SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/)
    expect(`${one}`).toBe('[secret:verifier of notes]')
  })

  test('roles of one password have different ones; the salt tells nothing of the password', () => {
    const salt = (role: string, password: Secret) => verifier(role, password).reveal().split(/[:$]/)[2]
    expect(salt('a', pencil)).not.toBe(salt('b', pencil))
    expect(salt('a', pencil)).toBe(salt('a', new Secret('q', 'other')))
  })

  test.each(["it's", 'a\\b', 'a:b', 'a\nb', 'ä', ''])('a password that files cannot carry: %j', (text) => {
    for (const use of [verifier.bind(undefined, 'a'), probePassword])
      expect(() => use(new Secret('dbPassword', text))).toThrow('[secret:dbPassword] must be printable ASCII')
  })

  test('the password for probing is made of the one of repmgr', () => {
    expect(probePassword(new Secret('r', 'secret of repmgr')).reveal()).toMatch(/^[0-9a-f]{64}$/)
    expect(probePassword(new Secret('r', 'a')).reveal()).not.toBe(probePassword(new Secret('r', 'b')).reveal())
  })
})
