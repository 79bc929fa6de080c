import { safeText } from './safe.ts'

/** A text of anybody's as text of the page. */
export function text(raw: string): string {
  const names: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return safeText(raw).replace(/[&<>"']/g, (character) => names[character] ?? '')
}
