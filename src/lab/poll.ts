/** Waits this many milliseconds. Only for the gaps between two looks of a bounded poll. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** Asks `question` every `gap` milliseconds until it gives a value; undefined when none came within `seconds`. */
export async function poll<T>(
  question: () => Promise<T | undefined> | T | undefined,
  { seconds, gap = 20 }: { seconds: number; gap?: number },
): Promise<T | undefined> {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    const answer = await question()
    if (answer !== undefined || Date.now() >= deadline) return answer
    await pause(gap)
  }
}
