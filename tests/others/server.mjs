// A Node server that sorts and serializes something for each request: node server.mjs PORT [ITEMS]
import { createServer } from "node:http";

const [port, items = "200"] = process.argv.slice(2);
const count = Number(items);

function answer() {
    const list = [];
    for (let i = 0; i < count; i += 1) list.push({ id: (i * 7919) % count, name: `item ${i}` });
    list.sort((one, other) => one.id - other.id);
    return JSON.stringify(list);
}

createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(answer());
}).listen(Number(port), "127.0.0.1");
