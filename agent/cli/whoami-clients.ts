// The usual GET of a browser and of curl, as they send it to a proxy.
import type { Field } from '../../http/fields.ts';
import type { WhoamiClient } from '../../schemas/whoami.ts';

/** The fields in the program's order and spelling. What tells of a person stands in them: cookies, and a Referer. */
export function usualFields(client: WhoamiClient, url: URL): Field[] {
  const { host, origin } = url;
  if (client === 'curl') {
    return [
      ['Host', host],
      ['User-Agent', 'curl/8.17.0'],
      ['Accept', '*/*'],
      ['Proxy-Connection', 'Keep-Alive'],
    ];
  }
  return [
    ['Host', host],
    ['Proxy-Connection', 'keep-alive'],
    ['Upgrade-Insecure-Requests', '1'],
    [
      'User-Agent',
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
    ],
    ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8'],
    ['Referer', `${origin}/a/page?words=that+were+searched`],
    ['Accept-Encoding', 'gzip, deflate'],
    ['Accept-Language', 'en-GB,en;q=0.9'],
    ['Cookie', 'session=0123456789abcdef; _ga=GA1.1.1234567890.1234567890'],
  ];
}
