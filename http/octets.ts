// Octets and Unicode text, made of each other where nothing gets lost. RFC 9110 5.5 (obs-text).

const encoder = new TextEncoder();

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

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Octets read as UTF-8; nothing where they are none. */
export function textFromUtf8(octets: Uint8Array): string | undefined {
  try {
    return decoder.decode(octets);
  } catch {
    return undefined;
  }
}
