// Field values as octets, for platforms whose own fields are Unicode text. RFC 9110 5.5 (obs-text).

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The text that a UTF-8 platform writes as these octets (one per character); nothing when no text does. */
export function textFromOctets(octets: string): string | undefined {
  if (isAscii(octets)) return octets;
  if (/[^\x00-\xff]/.test(octets)) return undefined; // no octet: cut to one, U+010A would be a line feed
  try {
    return utf8.decode(Uint8Array.from(octets, (character) => character.charCodeAt(0)));
  } catch {
    return undefined;
  }
}

/** The octets (one per character) that a UTF-8 platform read as this text; nothing when it had to replace some. */
export function octetsFromText(text: string): string | undefined {
  if (isAscii(text)) return text;
  if (text.includes('\ufffd')) return undefined;
  let octets = '';
  for (const octet of encoder.encode(text)) octets += String.fromCharCode(octet);
  return octets;
}

function isAscii(text: string): boolean {
  return !/[\x80-\uffff]/.test(text);
}
