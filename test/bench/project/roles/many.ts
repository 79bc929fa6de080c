import { directory, file } from 'evenkeel'

/** `count` tasks: in every ten, a directory and nine small files in it. */
export function many(root: string, count: number) {
  return [
    directory({ path: root }),
    Array.from({ length: count - 1 }, (_, index) => {
      const folder = `${root}/d${String(Math.floor(index / 10)).padStart(2, '0')}`
      return index % 10 === 0
        ? directory({ path: folder })
        : file({ path: `${folder}/f${index}`, content: `setting ${index}\n`.repeat(8), mode: '0644' })
    }),
  ]
}
