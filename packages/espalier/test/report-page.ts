import { parseHTML } from "linkedom";

/** What tests look at in an element; the DOM's types are not in this project. */
export interface PageElement {
  readonly textContent: string;
  readonly tagName: string;
  readonly outerHTML: string;
  getAttribute(name: string): string | null;
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
}

/** A report as a document. */
export function pageOf(html: string): PageElement {
  return parseHTML(html).document as unknown as PageElement;
}

/** Texts of all elements that match, white space made single. */
export function textsOf(page: PageElement, selector: string): string[] {
  return [...page.querySelectorAll(selector)].map(({ textContent }) => textContent.replaceAll(/\s+/g, " ").trim());
}

/** What a report lacks for those who do not see it, or would load: one line for each finding. */
export function flawsOf(html: string): string[] {
  const page = pageOf(html);
  const flaws: string[] = [];
  const each = (selector: string, holds: (element: PageElement) => boolean, flaw: string): void => {
    for (const element of page.querySelectorAll(selector)) {
      if (!holds(element)) flaws.push(`${flaw}: ${element.outerHTML.slice(0, 120)}`);
    }
  };
  each("table", (table) => (table.querySelector("caption")?.textContent ?? "") !== "", "table without caption");
  each("th", (cell) => ["col", "row"].includes(cell.getAttribute("scope") ?? ""), "heading cell without scope");
  each(
    "svg",
    (svg) => svg.getAttribute("role") === "img" && svg.getAttribute("aria-label") !== "",
    "plot without text",
  );
  each("img", (image) => /^data:image\/png;base64,/.test(image.getAttribute("src") ?? ""), "picture from elsewhere");
  each("img", (image) => (image.getAttribute("alt") ?? "") !== "", "picture without text");
  each(
    "section",
    (part) => page.querySelector(`#${part.getAttribute("aria-labelledby")}`)?.tagName === "H2",
    "unnamed part",
  );
  each("script, iframe, object, [onload], [onclick], [onerror]", () => false, "something that runs");
  each("[href]", (link) => /^(#|data:,$)/.test(link.getAttribute("href")!), "link out of the file");
  const ids = [...page.querySelectorAll("[id]")].map((element) => element.getAttribute("id"));
  if (new Set(ids).size < ids.length) flaws.push("an id is there twice");
  const levels = [...page.querySelectorAll("h1, h2, h3, h4")].map(({ tagName }) => Number(tagName[1]));
  if (levels[0] !== 1 || levels.slice(1).some((level, index) => level === 1 || level > levels[index]! + 1)) {
    flaws.push(`headings out of order: ${levels.join(" ")}`);
  }
  if (/NaN|undefined|\[object/.test(html.replaceAll(/base64,[^"]+/g, ""))) flaws.push("a number or a text is missing");
  return flaws;
}
