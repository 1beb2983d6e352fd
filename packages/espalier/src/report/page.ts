import { VERSION } from "../version.js";
import { type Content, html, trusted } from "./markup.js";
import { STYLE } from "./style.js";

/** A part of a report that can be jumped to. */
export interface Section {
  /** Of letters and hyphens, unique in the page. */
  readonly id: string;
  readonly title: string;
  readonly body: Content;
}

/** What a report consists of. */
export interface Page {
  /** Of the window, too. */
  readonly title: string;
  /** What kind of report it is. */
  readonly kind: string;
  /** The verdict and the figures that people look for first. */
  readonly summary: Content;
  /** Those that have nothing to say are undefined. */
  readonly sections: readonly (Section | undefined)[];
}

/** One HTML file that needs nothing else: no script, no font, no picture from elsewhere, and a policy that forbids them. */
export function page({ title, kind, summary, sections }: Page): string {
  const present = sections.filter((section) => section !== undefined);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${title} – ${kind}</title>
<link rel="icon" href="data:,">
<style>${trusted(STYLE)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the findings</a>
<header>
<p class="eyebrow">${kind}</p>
<h1><bdi>${title}</bdi></h1>
${summary}
</header>
<nav aria-label="Sections"><ul>${present.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
<main id="content">
${present.map(sectionOf)}
</main>
<footer><p>Made by espalier ${VERSION}. This file is complete: it loads nothing and runs no script.</p></footer>
</body>
</html>
`.text;
}

function sectionOf({ id, title, body }: Section): Content {
  return html`<section id="${id}" aria-labelledby="${id}-heading">
<h2 id="${id}-heading">${title}</h2>
${body}
</section>
`;
}
