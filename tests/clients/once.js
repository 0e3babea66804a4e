// SPDX-License-Identifier: Apache-2.0
// once.js ADDRESS PORT: asks one line and prints "PEER PORT ANSWER".
'use strict';
const net = require('net');
const [host, port] = process.argv.slice(2);
const peer = net.connect({ host, port: Number(port), timeout: 5000 });
peer.on('connect', () => peer.write('hello\n'));
peer.on('data', (data) => {
	process.stdout.write(`${peer.remoteAddress} ${peer.remotePort} ${data}`);
	peer.end();
});
peer.on('timeout', () => peer.destroy(new Error('ETIMEDOUT')));
peer.on('error', (failure) => {
	process.stdout.write(`${failure.code || failure.message}\n`);
	process.exitCode = 1;
});
