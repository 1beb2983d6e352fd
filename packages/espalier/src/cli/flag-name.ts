/** An option as it is typed: `--max-accuracy-drop` for `maxAccuracyDrop`. */
export function flagName(option: string): string {
  return `--${option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
