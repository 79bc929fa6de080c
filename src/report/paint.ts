import { styleText } from 'node:util'

export type Colour = 'green' | 'yellow' | 'red' | 'cyan' | 'dim' | 'bold'

/** Colours a text, or leaves it as it is. */
export type Paint = (colour: Colour, text: string) => string

export const plain: Paint = (_colour, text) => text

const coloured: Paint = (colour, text) => styleText(colour, text, { validateStream: false })

/** Colour on terminals only; never with `--no-color` or NO_COLOR. */
export function paintFor(stream: { readonly isTTY?: boolean }, colour: boolean): Paint {
  return stream.isTTY && colour && !process.env.NO_COLOR ? coloured : plain
}
