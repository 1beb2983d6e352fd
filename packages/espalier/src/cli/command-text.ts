/** A run of the command as it can be typed again into a POSIX shell. */
export function commandText(argv: readonly string[]): string {
  return ["espalier", ...argv].map(quoted).join(" ");
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
