// Sends one message many times through a pool, and prints the seconds it took.
// node send_many.js PORT CONNECTIONS COUNT SENDER RECIPIENT < message
const fs = require("node:fs");
const nodemailer = require("nodemailer");

const [port, connections, count, sender, recipient] = process.argv.slice(2);
const raw = fs.readFileSync(0);
const transport = nodemailer.createTransport({
  host: "127.0.0.1",
  port: Number(port),
  ignoreTLS: true,
  pool: true,
  maxConnections: Number(connections),
  maxMessages: Infinity,
});

async function main() {
  const started = process.hrtime.bigint();
  const mail = { envelope: { from: sender, to: recipient }, raw };
  await Promise.all(Array.from({ length: Number(count) }, () => transport.sendMail({ ...mail })));
  console.log(Number(process.hrtime.bigint() - started) / 1e9);
  transport.close();
}

main();
