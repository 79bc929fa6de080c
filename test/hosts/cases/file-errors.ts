import type { WrongCase } from '../support/trial.ts'

const tmpfs = (folder: string, options: string) =>
  `mkdir -p ${folder}; mount -t tmpfs -o ${options} tmpfs ${folder}; cd ${folder}`

/** Paths that cannot be brought to what is wanted. */
export const FILE_ERRORS: readonly WrongCase[] = [
  {
    title: 'a candidate that is judged wrong',
    before: 'echo old >/srv/e/judged; chmod 0600 /srv/e/judged',
    task: `file({ path: '/srv/e/judged', content: 'bad\\n', mode: '0644', validate: sh\`cat "$1"; echo not good >&2; exit 3\` })`,
    says: /file \/srv\/e\/judged: bad\nnot good/,
    left: ['cat /srv/e/judged; stat -c %a /srv/e/judged', 'old\n600\n'],
  },
  {
    title: 'F35 a full disk',
    before: `${tmpfs('/srv/e/full', 'size=64k')}; echo old >file; head -c 57344 /dev/zero >fill`,
    task: `file({ path: '/srv/e/full/file', content: 'x'.repeat(20000) })`,
    says: /\/srv\/e\/full\/.*No space left on device[\s\S]*\/srv\/e\/full +[48]\.0K/,
    left: ['cd /srv/e/full; cat file; ls -A', 'old\nfile\nfill\n'],
  },
  {
    title: 'F35 no free inode',
    before: `${tmpfs('/srv/e/inodes', 'nr_inodes=2')}; echo old >file`,
    task: `file({ path: '/srv/e/inodes/file', content: 'new' })`,
    says: /\/srv\/e\/inodes\/.*No space left on device[\s\S]*IFree[\s\S]*\/srv\/e\/inodes .* 0\n/,
    left: ['cd /srv/e/inodes; cat file; ls -A', 'old\nfile\n'],
  },
  {
    title: 'F36 a read-only file system, seen by the plan',
    before: `${tmpfs('/srv/e/read-only', 'size=64k')}; echo old >file; mount -o remount,ro /srv/e/read-only`,
    task: `file({ path: '/srv/e/read-only/file', content: 'new' })`,
    says: /file \/srv\/e\/read-only\/file: nothing can be written in .*: the file system mounted at \/srv\/e\/read-only is read-only/,
    left: ['cat /srv/e/read-only/file', 'old\n'],
  },
  {
    title: 'an owner that is not there',
    before: 'echo old >/srv/e/owner',
    task: `file({ path: '/srv/e/owner', content: 'new', owner: 'nobody-such' })`,
    says: /nobody-such/,
    left: ['cat /srv/e/owner', 'old\n'],
  },
  {
    title: 'a folder that is not there',
    before: ':',
    task: `file({ path: '/srv/e/no/folder/file', content: 'new' })`,
    says: /there is no folder to put \/srv\/e\/no\/folder\/file in/,
    left: ['ls -A /srv/e/no 2>&1 || :', "ls: cannot access '/srv/e/no': No such file or directory\n"],
  },
  ...(
    [
      [
        'directory',
        `file({ path: '/srv/e/way', content: 'x' })`,
        'mkdir /srv/e/way',
        /is a directory: no file can take its place/,
        'directory',
      ],
      [
        'socket',
        `file({ path: '/srv/e/way', content: 'x' })`,
        'mkfifo /srv/e/way',
        /neither a file, a directory nor a link/,
        'fifo',
      ],
      [
        'directory',
        `file({ path: '/srv/e/way', absent: true })`,
        'mkdir /srv/e/way',
        /is a directory: it is not removed as a file/,
        'directory',
      ],
      [
        'directory',
        `symlink({ path: '/srv/e/way', target: 'x' })`,
        'mkdir /srv/e/way',
        /is a directory: no link can take its place/,
        'directory',
      ],
      [
        'file',
        `symlink({ path: '/srv/e/way', absent: true })`,
        'echo >/srv/e/way',
        /is a file: symlink does not remove it/,
        'regular file',
      ],
      [
        'file',
        `directory({ path: '/srv/e/way' })`,
        'echo >/srv/e/way',
        /is a file: no directory can take its place/,
        'regular file',
      ],
      [
        'symlink',
        `directory({ path: '/srv/e/way' })`,
        'ln -s /srv /srv/e/way',
        /is a link to \/srv: no directory can take its place/,
        'symbolic link',
      ],
      [
        'file in it',
        `directory({ path: '/srv/e/way', absent: true })`,
        'mkdir /srv/e/way; echo >/srv/e/way/kept',
        /is not empty: kept/,
        'directory',
      ],
      [
        'symlink',
        `lines({ path: '/srv/e/way', lines: ['x'] })`,
        'ln -s /etc/motd /srv/e/way',
        /is a link to \/etc\/motd: name the file itself/,
        'symbolic link',
      ],
      [
        'binary file',
        `lines({ path: '/srv/e/way', lines: ['x'] })`,
        'printf "\\303" >/srv/e/way',
        /is no text in UTF-8/,
        'regular file',
      ],
      [
        'file in the way above',
        `file({ path: '/srv/e/way/below', content: 'x' })`,
        'echo >/srv/e/way',
        /there is no folder to put/,
        'regular file',
      ],
    ] as const
  ).map(
    ([what, task, before, says, left]): WrongCase => ({
      title: `a ${what} in the way of ${task}`,
      before: `rm -rf /srv/e/way; ${before}`,
      task,
      says,
      left: ['stat -c %F /srv/e/way | sed "s/ empty//"', `${left}\n`],
    }),
  ),
]

/** What a user planted in folders of theirs, to lead the tool elsewhere. */
export const PLANTED = [
  ['file', `file({ path: '/srv/p/way/file', content: 'x', owner: 'games' })`],
  ['mode of a file', `file({ path: '/srv/p/way/mine', mode: '0666' })`],
  ['directory', `directory({ path: '/srv/p/way/folder' })`],
  ['parents', `directory({ path: '/srv/p/way/a/folder', parents: true })`],
  ['symlink', `symlink({ path: '/srv/p/way/link', target: 'x' })`],
  ['lines', `lines({ path: '/srv/p/way/mine', lines: ['x'] })`],
  ['removal', `file({ path: '/srv/p/way/mine', absent: true })`],
] as const
