/** Characters of a text from a file that a message repeats: enough to recognise it, whatever its length. */
const MAX_LENGTH = 80;

/** A text from a file as messages show it: in quotes, control characters escaped, cut when it is long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text);
}
