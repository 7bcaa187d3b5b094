// The text of an EPUB book: its documents in reading order, as plain paragraphs.

import { decodeText } from "./decode.js";
import { ZipFile } from "./zip.js";

const MOST_UNPACKED = 100 * 2 ** 20; // bytes of documents
const SKIPPED = new Set("head script style nav template svg math rt rp audio video object iframe".split(" "));
const BLOCKS = new Set(
  ("address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr " +
    "li main ol p pre section table tr ul").split(" "),
);

const VOID = new Set("area base br col embed hr img input link meta param source track wbr".split(" "));

export class ProtectedBook extends Error {}

async function readXml(zip, name) {
  const document_ = new DOMParser().parseFromString(decodeText(await zip.read(name), "en") ?? "", "application/xml");
  if (document_.querySelector("parsererror")) throw new Error(`${name} is damaged`);
  return document_;
}

const named = (root, name) => [...root.getElementsByTagNameNS("*", name)];

// Resolves a name in the archive relative to another one.
function resolve(base, href) {
  return decodeURIComponent(new URL(href, new URL(encodeURI(base), "http://book/")).pathname.slice(1));
}

// Names of the documents in reading order.
async function readSpine(zip) {
  const container = await readXml(zip, "META-INF/container.xml");
  const packageName = named(container, "rootfile")[0]?.getAttribute("full-path");
  if (!packageName) throw new Error("the book names no package");
  const package_ = await readXml(zip, packageName);
  const items = new Map(named(package_, "item").map((item) => [item.getAttribute("id"), item]));
  return named(package_, "itemref")
    .filter((reference) => reference.getAttribute("linear") !== "no")
    .map((reference) => items.get(reference.getAttribute("idref")))
    .filter((item) => item && /html|xml/.test(item.getAttribute("media-type") ?? "html"))
    .filter((item) => !/\bnav\b/.test(item.getAttribute("properties") ?? ""))
    .map((item) => resolve(packageName, item.getAttribute("href") ?? ""));
}

function collect(node, parts) {
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE || child.nodeType === Node.CDATA_SECTION_NODE) {
      parts.push(child.data.replace(/\s+/g, " "));
    } else if (child.nodeType === Node.ELEMENT_NODE) {
      const name = child.localName.toLowerCase();
      if (SKIPPED.has(name)) continue;
      if (name === "br") parts.push("\n");
      const isBlock = BLOCKS.has(name);
      if (isBlock) parts.push("\n\n");
      collect(child, parts);
      if (isBlock) parts.push("\n\n");
      else if (name === "td" || name === "th") parts.push(" ");
    }
  }
}

// Parsed as HTML, since many books are not well-formed XML. The document is not shown; its styles are removed, since the content security policy
// would report them.
function parseHtml(text) {
  const html = text
    .replace(/<([a-z][\w:-]*)((?:\s[^<>]*)?)\/>/gi, (whole, name, attributes) => (VOID.has(name.toLowerCase()) ? whole : `<${name}${attributes}></${name}>`))
    .replace(/<style\b[\s\S]*?<\/style\s*>/gi, "")
    .replace(/(<[^<>]*?)\sstyle\s*=\s*("[^"]*"|'[^']*')/gi, "$1");
  return new DOMParser().parseFromString(html, "text/html");
}

function documentText(text) {
  const parts = [];
  collect(parseHtml(text).body, parts);
  return parts.join("").replace(/ *\n */g, "\n").replace(/\n{3,}/g, "\n\n").replace(/ {2,}/g, " ").trim();
}

// Resolves to the text of the book in `bytes` (a Uint8Array). Rejects with ProtectedBook if its documents are encrypted, with an Error if it
// is damaged.
export async function epubText(bytes) {
  const zip = new ZipFile(bytes, MOST_UNPACKED);
  const names = await readSpine(zip);
  const texts = [];
  for (const name of names) {
    const text = decodeText(await zip.read(name), "en");
    if (text === null || !text.includes("<")) {
      if (zip.has("META-INF/encryption.xml")) throw new ProtectedBook(name);
      throw new Error(`${name} is not text`);
    }
    texts.push(documentText(text));
  }
  return texts.filter(Boolean).join("\n\n");
}
