import { templates } from './project/roles/work.ts'

/** One template in the floor's language and in ours; both render to the same bytes. */
export interface TemplatePair {
  readonly name: string
  /** Jinja2, with `trim_blocks`. */
  readonly jinja: string
  readonly handlebars: string
}

const WORDS = ['cache', 'limit', 'log', 'retry', 'pool', 'timeout', 'buffer']

/** The 20 templates of the work, 500 to 3,000 bytes each, the same at every call. */
export function templatePairs(): readonly TemplatePair[] {
  return templates.map(({ name, index, nginx }) => {
    const head = `# managed file ${name} for {{ node }} in {{ domain }}`
    const [jinja, handlebars] = body(index, nginx)
    const filling = fill(index, head.length + jinja.join('').length)
    const text = (lines: readonly string[]) => `${[head, ...lines, ...filling].join('\n')}\n`
    return { name, jinja: text(jinja), handlebars: text(handlebars) }
  })
}

function body(index: number, nginx: boolean): readonly [jinja: readonly string[], handlebars: readonly string[]] {
  if (index === 0) return same(['# revision {{ rev }}'])
  if (index === 5) return [site('{{ worker_port + 80 }}'), site('{{ port }}')]
  return nginx ? upstream(index) : settings(index)
}

function site(port: string): readonly string[] {
  const inside = ['server_name {{ node }}.{{ domain }};', 'root /srv/static;', 'location /a { proxy_pass http://up1; }']
  return ['server {', `  listen ${port};`, ...inside.map((line) => `  ${line}`), '}']
}

function upstream(index: number): readonly [readonly string[], readonly string[]] {
  const server = (addr: string, port: string, name: string) => `  server ${addr}:${port} max_fails=3; # ${name}`
  const jinja = server('{{ p.addr }}', `{{ worker_port + ${index} }}`, '{{ p.name }}')
  const own = server('{{ addr }}', '{{ @root.port }}', '{{ name }}')
  return [
    [`upstream up${index} {`, '{% for p in peers %}', jinja, '{% endfor %}', '}'],
    [`upstream up${index} {`, '{{#each peers}}', own, '{{/each}}', '}'],
  ]
}

function settings(index: number): readonly [readonly string[], readonly string[]] {
  const jinja = [
    'peer.{{ loop.index }}.name = {{ p.name }}.{{ domain }}',
    'peer.{{ loop.index }}.addr = {{ p.addr }}:{{ worker_port }}',
  ]
  const own = ['peer.{{ index }}.name = {{ name }}.{{ domain }}', 'peer.{{ index }}.addr = {{ addr }}:{{ port }}']
  return [
    [`listen = {{ node }}:{{ worker_port + ${index} }}`, '{% for p in peers %}', ...jinja, '{% endfor %}'],
    ['listen = {{ node }}:{{ port }}', '{{#each peers}}', ...own, '{{/each}}'],
  ]
}

function same(lines: readonly string[]): readonly [readonly string[], readonly string[]] {
  return [lines, lines]
}

/** Comment lines up to the size of this template. */
function fill(index: number, size: number): readonly string[] {
  const random = numbers(index + 1)
  const lines: string[] = []
  for (let length = size; length < 500 + 130 * index; length += lines.at(-1)?.length ?? 1) {
    const words = Array.from({ length: 6 }, () => WORDS[random() % WORDS.length])
    lines.push(`# option_${index}_${lines.length + 1}: ${words.join(' ')}`)
  }
  return lines
}

/** Pseudo-random whole numbers, the same for the same seed. */
export function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 8
  }
}
