// Imports text files and books, chosen or dropped.

import { byId } from "../element.js";
import { currentLanguage, t } from "../language.js";
import { clearProblem, showProblem } from "../problem.js";
import { replaceText, textLength, textLimit, tooLongMessage } from "../text.js";
import { showToast } from "../toast.js";
import { decodeText } from "./decode.js";
import { epubText, ProtectedBook } from "./epub.js";
import { kindOf } from "./kind.js";

const MOST_TEXT = 4 * 2 ** 20; // bytes of a text file; text boxes become slow with more
const MOST_BOOK = 100 * 2 ** 20; // bytes of a book, pictures included
const LONGEST = 2_000_000; // characters that are inserted into the text box

// `getText` returns the message, in the language of the page.
class Refusal extends Error {
  constructor(key, values) {
    super(key);
    this.getText = () => t(key, values);
  }
}

async function readBook(file) {
  try {
    return await epubText(new Uint8Array(await file.arrayBuffer()));
  } catch (error) {
    throw new Refusal(error instanceof ProtectedBook ? "import.protected" : "import.damaged", { name: file.name });
  }
}

async function readText(file) {
  const text = decodeText(new Uint8Array(await file.arrayBuffer()), currentLanguage());
  if (text === null) throw new Refusal("import.not_text", { name: file.name });
  return text;
}

async function textOf(file) {
  const isBook = kindOf(file) === "epub";
  const most = isBook ? MOST_BOOK : MOST_TEXT;
  if (file.size > most) throw new Refusal("import.too_large", { name: file.name, limit: most / 2 ** 20 });
  const text = (await (isBook ? readBook(file) : readText(file))).trim();
  if (!text) throw new Refusal("import.empty", { name: file.name });
  if (text.length > LONGEST) throw new Refusal("import.too_long", { name: file.name, length: text.length, limit: textLimit() });
  return text;
}

// Shows which kinds of files are accepted.
export function refuseFile(file) {
  showProblem(() => t("import.unknown", { name: file.name }), "input");
}

// Replaces the text by that of `file`, with an offer to undo it.
export async function importText(file) {
  clearProblem("input");
  let text;
  try {
    text = await textOf(file);
  } catch (error) {
    // Folders, and files that were removed meanwhile, cannot be read.
    showProblem(error instanceof Refusal ? error.getText : () => t("import.unreadable", { name: file.name }), "input");
    return;
  }
  const before = byId("text").value;
  replaceText(text);
  const offer = before.trim() ? { key: "text.undo", act: () => replaceText(before) } : null;
  showToast(() => t(offer ? "import.replaced" : "import.done", { name: file.name }), offer);
  if (textLength() > textLimit()) showProblem(tooLongMessage, "input");
}

export function initializeImport() {
  byId("text-file").addEventListener("change", async (event) => {
    const file = event.target.files[0];
    event.target.value = ""; // the same file can be chosen again
    if (!file) return;
    if (["text", "epub"].includes(kindOf(file))) await importText(file);
    else refuseFile(file);
  });
}
