import { directory, file, type Task, template } from 'evenkeel'

export interface Hello {
  readonly folder: string
  readonly greeting: string
  readonly name: string
  readonly others: readonly { readonly name: string; readonly address: string }[]
}

/** A greeting that names the other hosts, and a note that says whose files these are. */
export function hello({ folder, greeting, name, others }: Hello): readonly Task[] {
  return [
    directory({ path: folder, mode: '0755' }),
    file({
      path: `${folder}/NOTE`,
      content: 'Managed by evenkeel: changes made here by hand are drift.\n',
      mode: '0644',
    }),
    template({
      from: 'hello.txt.hbs',
      to: `${folder}/hello.txt`,
      data: { greeting, name, others: others.map((other) => ({ name: other.name, address: other.address })) },
      mode: '0644',
    }),
  ]
}
