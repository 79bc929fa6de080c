import { expect, test } from 'vitest'
import { CLEAN, SOURCE } from '../../hosts/cases/packages.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { outcomes } from '../../hosts/support/project.ts'
import { useTrial } from '../../hosts/support/trial.ts'

describeOnLab('a source of packages', () => {
  const lab = useLab('silent-source', ['app1'])
  const trial = useTrial(lab)
  const { on, apply } = trial

  test('F41 that takes connections and says nothing is given up and named within a minute', async () => {
    await on(SOURCE)
    await on(`${CLEAN}
      touch -d '3 days ago' /var/lib/apt/lists
      echo 'deb [trusted=yes] http://127.0.0.1:9/dead ./' >/etc/apt/sources.list.d/dead.list
      echo 'Acquire::http::Proxy::127.0.0.1 "DIRECT";' >/etc/apt/apt.conf.d/99direct
      setsid -f perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:9", Listen => 9) or die; sleep 1 while 1' </dev/null >/dev/null 2>&1
      i=0; until ss -ltn | grep -q ':9 '; do i=$((i+1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done`)
    trial.project.tasks(`[apt({ packages: ['t-pin'] })]`)
    const began = Date.now()
    const applied = await apply()
    await on('kill $(pgrep -f 127.0.0.1:[9])')
    expect(outcomes(applied)).toEqual(['app1 apt t-pin: changed'])
    expect(applied.results[0]?.output).toContain('http://127.0.0.1:9/dead')
    expect(Date.now() - began).toBeLessThan(60_000)
  })
})
