// What the commands and files of the three systems print, and what is read from it.
import { expect, test } from 'vitest';
import {
  linuxCpuIsGuest,
  linuxDefaultRoutes,
  macAddress,
  macosComputer,
  macosDefaultRoute,
  macosHardwarePorts,
  windowsAdapters,
  windowsComputer,
  windowsDefaultRoutes,
} from '../../../agent/machine/transcripts.ts';

test('networksetup lists hardware ports in its order, and a VLAN is none of them', () => {
  const text = `
Hardware Port: Ethernet Adapter (en4)
Device: en4
Ethernet Address: 1e:00:8a:12:34:56

Hardware Port: Thunderbolt Bridge
Device: bridge0
Ethernet Address: 36:4f:1a:c0:de:00

Hardware Port: Wi-Fi
Device: en0
Ethernet Address: f0:18:98:0a:0b:0c

Hardware Port: Bluetooth PAN
Device: en9
Ethernet Address: N/A

VLAN Configurations
===================

VLAN User Defined Name: office
Parent Device: en0
Device ("Hardware" Port): vlan0
Tag: 10
`;
  expect(macosHardwarePorts(text)).toEqual([
    { port: 'Ethernet Adapter (en4)', device: 'en4', mac: '1e:00:8a:12:34:56' },
    { port: 'Thunderbolt Bridge', device: 'bridge0', mac: '36:4f:1a:c0:de:00' },
    { port: 'Wi-Fi', device: 'en0', mac: 'f0:18:98:0a:0b:0c' },
    { port: 'Bluetooth PAN', device: 'en9', mac: undefined },
  ]);
});

test('route get names the interface of the default route, or nothing when there is none', () => {
  const text = `   route to: default
destination: default
       mask: default
    gateway: 192.168.1.1
  interface: en0
      flags: <UP,GATEWAY,DONE,STATIC,PRCLONING,GLOBAL>
 recvpipe  sendpipe  ssthresh  rtt,msec    rttvar  hopcount      mtu     expire
       0         0         0         0         0         0      1500         0
`;
  expect(macosDefaultRoute(text)).toBe('en0');
  expect(macosDefaultRoute('route: writing to routing socket: not in table\n')).toBeUndefined();
});

test.each([
  ['kern.hv_vmm_present: 0\nhw.model: MacBookPro18,3\n', { model: 'MacBookPro18,3', isGuest: false }],
  ['kern.hv_vmm_present: 1\nhw.model: VirtualMac2,1\n', { model: 'VirtualMac2,1', isGuest: true }],
  ['hw.model: iMac14,2\n', { model: 'iMac14,2', isGuest: false }],
  ['', { model: undefined, isGuest: false }],
])('sysctl %j tells the computer', (text, computer) => {
  expect(macosComputer(text)).toEqual(computer);
});

test('ConvertTo-Json writes one adapter as an object and several as an array', () => {
  const adapter =
    '{"Name":"Беспроводная сеть","InterfaceDescription":"Intel(R) Wi-Fi 6 AX201 160MHz","MacAddress":"D6-12-34-56-78-9A","PermanentAddress":"5C879C123456","Virtual":false}';
  const read = {
    name: 'Беспроводная сеть',
    description: 'Intel(R) Wi-Fi 6 AX201 160MHz',
    mac: 'd6:12:34:56:78:9a',
    permanentMac: '5c:87:9c:12:34:56',
    isVirtual: false,
  };
  expect(windowsAdapters(`\uFEFF${adapter}\r\n`)).toEqual([read]);
  expect(windowsAdapters(`[${adapter},${adapter}]\r\n`)).toEqual([read, read]);
});

test('no adapter is an empty list, and an error message is no answer', () => {
  expect(windowsAdapters('')).toEqual([]);
  expect(windowsAdapters('Get-NetAdapter : The term is not recognized')).toBeUndefined();
  expect(windowsAdapters('[null,{"Name":7}]')).toEqual([]);
});

test('Windows prefers IPv4, then the lowest sum of both metrics', () => {
  const rows = [
    { InterfaceAlias: 'Wi-Fi', DestinationPrefix: '::/0', RouteMetric: 0, InterfaceMetric: 1 },
    { InterfaceAlias: 'Wi-Fi', DestinationPrefix: '0.0.0.0/0', RouteMetric: 0, InterfaceMetric: 50 },
    { InterfaceAlias: 'Ethernet', DestinationPrefix: '0.0.0.0/0', RouteMetric: 0, InterfaceMetric: 25 },
    { InterfaceAlias: 'Ethernet 2', DestinationPrefix: '0.0.0.0/0', RouteMetric: 256, InterfaceMetric: 5 },
  ];
  expect(windowsDefaultRoutes(JSON.stringify(rows))).toEqual(['Ethernet', 'Wi-Fi', 'Ethernet 2']);
  expect(windowsDefaultRoutes('')).toEqual([]);
});

test('the registry tells the maker and the model', () => {
  const text = `\r
HKEY_LOCAL_MACHINE\\HARDWARE\\DESCRIPTION\\System\\BIOS\r
    BiosMajorRelease    REG_DWORD    0xff\r
    BaseBoardManufacturer    REG_SZ    Intel Corporation\r
    SystemManufacturer    REG_SZ    VMware, Inc.\r
    SystemProductName    REG_SZ    VMware20,1\r
`;
  expect(windowsComputer(text)).toEqual({ vendor: 'VMware, Inc.', product: 'VMware20,1' });
  expect(windowsComputer('')).toEqual({ vendor: undefined, product: undefined });
});

test('Linux prefers IPv4, then the lowest metric, and leaves out routes that reject or are down', () => {
  const ipv4 = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
wlan0	00000000	0101A8C0	0003	0	0	600	00000000	0	0	0
eth0	00000000	0101A8C0	0003	0	0	100	00000000	0	0	0
eth1	00000000	0101A8C0	0002	0	0	1	00000000	0	0	0
tun0	00000000	0101080A	0003	0	0	50	00000080	0	0	0
docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
`;
  const none = '0'.repeat(32);
  const ipv6 = `${none} 00 ${none} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     usb0
${none} 00 ${none} 00 ${none} ffffffff 00000001 00000000 00200200       lo
fe80${'0'.repeat(28)} 40 ${none} 00 ${none} 00000100 00000001 00000000 00000001     wwan0
`;
  expect(linuxDefaultRoutes(ipv4, ipv6)).toEqual(['eth0', 'wlan0', 'usb0']);
  expect(linuxDefaultRoutes('', '')).toEqual([]);
});

test('only the flag itself says that the CPU is a guest', () => {
  expect(linuxCpuIsGuest('flags\t\t: fpu vme cpuid hypervisor lahf_lm\n')).toBe(true);
  expect(linuxCpuIsGuest('flags\t\t: fpu vme vmx\nmodel name : hypervisor\n')).toBe(false);
});

test.each([
  ['00-15-5D-01-02-03', '00:15:5d:01:02:03'],
  ['00155D010203', '00:15:5d:01:02:03'],
  ['f0:18:98:0a:0b:0c\n', 'f0:18:98:0a:0b:0c'],
  ['80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:00:10:01', undefined], // InfiniBand
  ['N/A', undefined],
  ['', undefined],
  [null, undefined],
])('the address %j is read as %j', (written, mac) => {
  expect(macAddress(written)).toBe(mac);
});
