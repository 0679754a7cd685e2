// Whole machines, as their files and commands tell them, and the card that comes of it.
import { expect, test } from 'vitest';
import { type Host, machineFacts, thisHost } from '../../../agent/machine/facts.ts';
import { physicalCard } from '../../../agent/machine/network-card.ts';

test('a laptop with Wi-Fi under a random address, Docker and a VPN', async () => {
  const host = fakeHost('linux', {
    addresses: {
      lo: ['00:00:00:00:00:00', '127.0.0.1'],
      wlp2s0: ['da:a1:19:4f:00:01', '192.168.1.20', 'fe80::1'],
      docker0: ['02:42:9a:00:00:01', '172.17.0.1'],
      tun0: ['00:00:00:00:00:00', '10.8.0.2'],
    },
    links: {
      '/sys/class/net/lo': '../../devices/virtual/net/lo',
      '/sys/class/net/enp0s31f6': '../../devices/pci0000:00/0000:00:1f.6/net/enp0s31f6',
      '/sys/class/net/enp0s31f6/device': '../../../0000:00:1f.6',
      '/sys/class/net/enp0s31f6/device/driver': '../../../bus/pci/drivers/e1000e',
      '/sys/class/net/wlp2s0': '../../devices/pci0000:00/0000:00:1c.0/0000:02:00.0/net/wlp2s0',
      '/sys/class/net/wlp2s0/device': '../../../0000:02:00.0',
      '/sys/class/net/wlp2s0/device/driver': '../../../../bus/pci/drivers/iwlwifi',
      '/sys/class/net/docker0': '../../devices/virtual/net/docker0',
      '/sys/class/net/tun0': '../../devices/virtual/net/tun0',
    },
    files: {
      ...sysfs('lo', 1, '00:00:00:00:00:00', '0', '772'),
      ...sysfs('enp0s31f6', 2, '8c:16:45:00:00:01', '0'),
      ...sysfs('wlp2s0', 3, 'da:a1:19:4f:00:01', '3'),
      '/sys/class/net/wlp2s0/phy80211/macaddress': '5c:87:9c:00:00:02\n',
      ...sysfs('docker0', 4, '02:42:9a:00:00:01', '1'),
      ...sysfs('tun0', 5, '', '0', '65534'),
      '/sys/class/net/bonding_masters': '',
      '/sys/class/dmi/id/sys_vendor': 'LENOVO\n',
      '/sys/class/dmi/id/product_name': '20QDCTO1WW\n',
      '/proc/cpuinfo': 'flags\t\t: fpu vme vmx\n',
      '/proc/net/route': [
        'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
        'tun0\t00000000\t0108080A\t0003\t0\t0\t50\t00000000\t0\t0\t0',
        'wlp2s0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0',
      ].join('\n'),
    },
  });
  expect(physicalCard(await machineFacts(host))).toEqual({
    kind: 'found',
    name: 'wlp2s0',
    mac: '5c:87:9c:00:00:02',
    address: '192.168.1.20',
    physical: true,
    because: 'default-route',
  });
});

test('a Linux guest on ARM, which only the device tree gives away', async () => {
  const host = fakeHost('linux', {
    addresses: { eth0: ['02:fc:00:00:00:01', '192.0.2.2'] },
    links: {
      '/sys/class/net/eth0': '../../devices/platform/eth/net/eth0',
      '/sys/class/net/eth0/device': '../../../eth',
    },
    files: { ...sysfs('eth0', 2, '02:fc:00:00:00:01', '3'), '/proc/device-tree/compatible': 'linux,dummy-virt\0' },
  });
  expect(physicalCard(await machineFacts(host))).toMatchObject({
    physical: false,
    because: 'virtual-machine',
    reason: 'this is a virtual machine: the device tree says linux,dummy-virt',
  });
});

test('a pod, whose card is one end of a veth', async () => {
  const host = fakeHost('linux', {
    addresses: { eth0: ['0a:58:0a:f4:00:05', '10.244.0.5'] },
    links: { '/sys/class/net/eth0': '../../devices/virtual/net/eth0' },
    files: { ...sysfs('eth0', 3, '0a:58:0a:f4:00:05', '3'), '/var/run/secrets/kubernetes.io/serviceaccount/token': '' },
  });
  expect(physicalCard(await machineFacts(host))).toMatchObject({ name: 'eth0', physical: false, because: 'container' });
});

const macPorts = `
Hardware Port: Ethernet Adapter (en4)
Device: en4
Ethernet Address: 1e:00:8a:12:34:56

Hardware Port: Thunderbolt Bridge
Device: bridge0
Ethernet Address: 36:4f:1a:c0:de:00

Hardware Port: Wi-Fi
Device: en0
Ethernet Address: f0:18:98:0a:0b:0c

Hardware Port: Thunderbolt 1
Device: en1
Ethernet Address: 36:4f:1a:c0:de:00

VLAN Configurations
===================
`;

const macAddresses = {
  lo0: ['00:00:00:00:00:00', '127.0.0.1'],
  en0: ['b2:11:22:33:44:55', 'fe80::8', '192.168.1.7'],
  awdl0: ['6a:11:22:33:44:55', 'fe80::6811'],
  llw0: ['6a:11:22:33:44:55', 'fe80::6811'],
  utun4: ['00:00:00:00:00:00', '100.100.1.2'],
  bridge100: ['f2:18:98:00:00:64', '192.168.64.1'],
};

test.each([
  ['interface: en0\n', 'default-route'],
  ['interface: utun4\n', 'first-physical'],
  ['interface: bridge100\n', 'first-physical'],
])('a MacBook whose default route has %j reports its Wi-Fi, by the burnt-in address', async (route, because) => {
  const host = fakeHost('darwin', {
    addresses: macAddresses,
    commands: {
      '/usr/sbin/networksetup -listallhardwareports': macPorts,
      '/sbin/route -n get default': `   route to: default\n  ${route}`,
      '/usr/sbin/sysctl kern.hv_vmm_present hw.model': 'kern.hv_vmm_present: 0\nhw.model: MacBookPro18,3\n',
    },
  });
  expect(physicalCard(await machineFacts(host))).toEqual({
    kind: 'found',
    name: 'en0',
    mac: 'f0:18:98:0a:0b:0c',
    address: '192.168.1.7',
    physical: true,
    because,
  });
});

test('a Mac in a virtual machine says so', async () => {
  const host = fakeHost('darwin', {
    addresses: { en0: ['52:54:00:0a:0b:0c', '192.168.64.5'] },
    commands: {
      '/usr/sbin/networksetup -listallhardwareports':
        'Hardware Port: Ethernet\nDevice: en0\nEthernet Address: 52:54:00:0a:0b:0c\n',
      '/usr/sbin/sysctl kern.hv_vmm_present hw.model': 'kern.hv_vmm_present: 1\nhw.model: VirtualMac2,1\n',
    },
  });
  expect(physicalCard(await machineFacts(host))).toMatchObject({
    name: 'en0',
    physical: false,
    because: 'virtual-machine',
  });
});

test('a Mac whose commands do not answer vouches for nothing', async () => {
  const host = fakeHost('darwin', { addresses: macAddresses });
  expect(physicalCard(await machineFacts(host))).toMatchObject({ name: 'en0', physical: false, because: 'unverified' });
});

test('Windows with WSL, a VPN that claims to be hardware, and a random Wi-Fi address', async () => {
  const adapters = [
    {
      Name: 'Local Area Connection',
      InterfaceDescription: 'TAP-Windows Adapter V9',
      MacAddress: '00-FF-12-34-56-78',
      PermanentAddress: '00FF12345678',
      Virtual: true,
    },
    {
      Name: 'Wi-Fi',
      InterfaceDescription: 'Intel(R) Wi-Fi 6 AX201 160MHz',
      MacAddress: 'D6-12-34-56-78-9A',
      PermanentAddress: '5C879C123456',
      Virtual: false,
    },
  ];
  const routes = { InterfaceAlias: 'Wi-Fi', DestinationPrefix: '0.0.0.0/0', RouteMetric: 0, InterfaceMetric: 35 };
  const host = fakeHost('win32', {
    addresses: {
      'vEthernet (WSL)': ['00:15:5d:01:02:03', '172.28.0.1'],
      'Wi-Fi': ['d6:12:34:56:78:9a', '192.168.1.30'],
      'Loopback Pseudo-Interface 1': ['00:00:00:00:00:00', '127.0.0.1'],
    },
    commands: {
      'Get-NetAdapter -Physical': JSON.stringify(adapters),
      'Get-NetRoute': JSON.stringify(routes),
      'reg.exe': lenovo,
    },
  });
  expect(physicalCard(await machineFacts(host))).toEqual({
    kind: 'found',
    name: 'Wi-Fi',
    mac: '5c:87:9c:12:34:56',
    address: '192.168.1.30',
    physical: true,
    because: 'default-route',
  });
});

test('Windows with an external Hyper-V switch, whose vEthernet has taken over the card’s address', async () => {
  const adapters = [
    {
      Name: 'Ethernet 2',
      InterfaceDescription: 'Realtek USB GbE',
      MacAddress: '00-E0-4C-00-00-02',
      PermanentAddress: '00E04C000002',
      Virtual: false,
    },
    {
      Name: 'Ethernet',
      InterfaceDescription: 'Intel(R) I219-LM',
      MacAddress: '8C-16-45-00-00-01',
      PermanentAddress: '8C1645000001',
      Virtual: false,
    },
  ];
  const host = fakeHost('win32', {
    addresses: { 'vEthernet (External)': ['8c:16:45:00:00:01', '192.168.1.31'] },
    commands: {
      'Get-NetAdapter -Physical': JSON.stringify(adapters),
      'Get-NetRoute':
        '{"InterfaceAlias":"vEthernet (External)","DestinationPrefix":"0.0.0.0/0","RouteMetric":0,"InterfaceMetric":25}',
      'reg.exe': lenovo,
    },
  });
  expect(physicalCard(await machineFacts(host))).toMatchObject({
    name: 'Ethernet',
    address: '192.168.1.31',
    because: 'default-route',
  });
});

test('a system of which we know nothing gives what Node knows', async () => {
  const host = fakeHost('freebsd', { addresses: { em0: ['8c:16:45:00:00:01', '10.0.0.2'] } });
  expect(physicalCard(await machineFacts(host))).toMatchObject({ name: 'em0', physical: false, because: 'unverified' });
});

test('this machine answers, whatever it is', async () => {
  expect((await machineFacts(thisHost)).platform).toBe(process.platform);
  expect(await thisHost.run('/nowhere/no-such-command')).toBeUndefined();
  expect(await thisHost.run('a\0b')).toBeUndefined();
  expect(await thisHost.run(process.execPath, '-e', 'console.log(7); process.exitCode = 1')).toBe('7\n');
});

const lenovo = '    SystemManufacturer    REG_SZ    LENOVO\r\n    SystemProductName    REG_SZ    20QDCTO1WW\r\n';

type Told = {
  /** Of each interface, its MAC and then its addresses. */
  addresses: Record<string, readonly string[]>;
  files?: Record<string, string>;
  links?: Record<string, string>;
  /** By a part of the command line. */
  commands?: Record<string, string>;
};

function fakeHost(platform: string, { addresses, files = {}, links = {}, commands = {} }: Told): Host {
  const paths = [...Object.keys(files), ...Object.keys(links)];
  return {
    platform,
    addresses: () => Object.fromEntries(Object.entries(addresses).map(([name, told]) => [name, interfaceInfo(told)])),
    read: async (path) => files[path],
    link: async (path) => links[path],
    list: async (path) => {
      const folder = path.endsWith('/') ? path : `${path}/`;
      const names = paths.filter((one) => one.startsWith(folder)).map((one) => one.slice(folder.length).split('/')[0]);
      return [...new Set(names)].flatMap((name) => name ?? []).toSorted();
    },
    run: async (command, ...args) => {
      const line = [command, ...args].join(' ');
      return Object.entries(commands).find(([part]) => line.includes(part))?.[1];
    },
  };
}

function interfaceInfo([mac = '', ...addresses]: readonly string[]) {
  return addresses.map((address) => ({
    ...(address.includes(':') ? { family: 'IPv6' as const, scopeid: 0 } : { family: 'IPv4' as const }),
    address,
    mac,
    netmask: '',
    internal: false,
    cidr: null,
  }));
}

function sysfs(name: string, index: number, mac: string, assigned: string, type = '1'): Record<string, string> {
  const folder = `/sys/class/net/${name}`;
  return {
    [`${folder}/ifindex`]: `${index}\n`,
    [`${folder}/address`]: `${mac}\n`,
    [`${folder}/addr_assign_type`]: `${assigned}\n`,
    [`${folder}/type`]: `${type}\n`,
  };
}
