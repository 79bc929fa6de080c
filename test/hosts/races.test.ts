import { expect, test } from 'vitest'
import { labExec } from '../../src/lab/inside.ts'
import { PROGRAM_FUNCTIONS } from '../../src/shell/program-functions.ts'
import { describeOnLab, useLab } from './support/lab.ts'

/** A user who exchanges things in a folder of theirs for links to root's, as fast as they can. */
const SWAP = {
  folder: `rename("d","e"); symlink("/srv/root","d"); select(undef,undef,undef,0.0005*rand); unlink("d"); rename("e","d"); select(undef,undef,undef,0.0005*rand);`,
  file: `rename("d/f","d/g"); symlink("/srv/root/f","d/f"); select(undef,undef,undef,0.0005*rand); unlink("d/f"); rename("d/g","d/f"); select(undef,undef,undef,0.0005*rand);`,
}

const script = (swap: string) => `
P=$(mktemp -d) S=$P R=$P
${PROGRAM_FUNCTIONS}
rm -rf /srv/race /srv/root; install -d -o games /srv/race /srv/race/d; install -o games /dev/null /srv/race/d/f
install -d -m 755 /srv/root; install -m 600 /dev/null /srv/root/f
perl -e '$)=60; $>=5; chdir "/srv/race"; my $end=time+60; while(time<$end){ ${swap} }' & p=$!
i=0 done=0
while [ $i -lt 400 ]; do
  i=$((i+1)); ( cd /; own /srv/race/d/f games 0666 ) >/dev/null 2>&1 && done=$((done+1))
  [ "$(stat -c %U%a /srv/root/f)" = root600 ] || break
done
kill "$p"; wait "$p"; stat -c '%U %a' /srv/root/f; echo "$i $done"`

describeOnLab('users who race with the tool', () => {
  const lab = useLab('races', ['app1'])

  test.each(Object.entries(SWAP))(
    'F48 a link swapped in for a %s never leads a change of owner and mode elsewhere',
    async (_what, swap) => {
      const { stdout } = await labExec(lab, 'app1', ['sh', '-c', script(swap)])

      const [state, counts = ''] = stdout.trim().split('\n')
      const [tries, done] = counts.split(' ').map(Number)
      expect([state, tries]).toEqual(['root 600', 400])
      expect(done).toBeGreaterThan(0)
    },
  )
})
