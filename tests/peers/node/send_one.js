// Sends one message with nodemailer, and prints what became of it as JSON.
// node send_one.js < {"transport": …, "mail": …}: what createTransport and sendMail take; mail.raw in base64.
const fs = require("node:fs");
const nodemailer = require("nodemailer");

const { transport, mail } = JSON.parse(fs.readFileSync(0));
const mailer = nodemailer.createTransport(transport);

mailer
  .sendMail({ ...mail, raw: Buffer.from(mail.raw, "base64") })
  .then((info) => ({ accepted: info.accepted, rejected: info.rejected, response: info.response }))
  .catch((error) => ({ accepted: [], rejected: error.rejected ?? [], response: error.response ?? error.message }))
  .then((outcome) => console.log(JSON.stringify(outcome)));
