// Text as it stands in XML.

/** For content and attributes. XML 1.0 2.4. */
export function xmlText(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Whether XML can hold the text at all: it has no place for most control characters, nor for half a character. XML 1.0 2.2. */
export function isXmlText(text: string): boolean {
  return !/[\x00-\x1f\x7f\ufffe\uffff]/.test(text) && text.isWellFormed();
}
