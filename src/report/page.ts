import { PAGE_STYLE } from './page-style.ts'
import { text } from './page-text.ts'

/** One HTML page that needs nothing else: no script, no font, no other file. `made`: when, for its foot. */
export function page({
  title,
  about,
  body,
  made,
}: {
  readonly title: string
  readonly about: string
  readonly body: string
  readonly made: Date
}): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${text(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header><h1>${text(title)}</h1><p>${text(about)}</p></header>
${body}
<footer>Made ${text(made.toISOString().slice(0, 19).replace('T', ' '))} UTC by evenkeel. Nothing was changed.</footer>
</body>
</html>
`
}

/** A figure, what it counts, and how it is painted. */
export type Tile = readonly [figure: number, label: string, kind: string]

/** The figures at the head of a page. */
export function tileList(tiles: readonly Tile[]): string {
  const items = tiles.map(([figure, label, kind]) => `<li class="${kind}"><b>${figure}</b>${text(label)}</li>`)
  return `<ul class="tiles">${items.join('')}</ul>`
}
