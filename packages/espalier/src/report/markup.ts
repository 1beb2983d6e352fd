/** Text that is HTML already. Only {@link html} and {@link trusted} make it, so a plain string can never pass for markup. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: markup as it is, everything else as text; nothing for `undefined` and `false`. */
export type Content = Markup | string | number | undefined | false | readonly Content[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A template of HTML whose values are escaped, in text as in quoted attributes. Names out of models are hostile until then. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(parts.map((part, index) => (index === 0 ? part : rendered(values[index - 1]) + part)).join(""));
}

/** Markup that a library made of data it escaped itself. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

function rendered(content: Content): string {
  if (content === undefined || content === false) return "";
  if (content instanceof Markup) return content.text;
  if (typeof content === "object") return content.map(rendered).join("");
  return visible(String(content)).replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/**
 * Text on one line, in which characters that cannot be seen, or that turn the direction of their neighbours, stand as `U+202E`:
 * two names that look alike are alike.
 */
export function visible(text: string): string {
  return text
    .replaceAll(/[\t\n\r]+/g, " ")
    .replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\uFFFE\uFFFF]/gu, (character) => {
      return `⟨U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}⟩`;
    });
}
