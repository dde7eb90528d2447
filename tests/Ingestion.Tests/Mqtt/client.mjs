// Subscribes to a topic, publishes messages (to the same, or to another) and prints what it heard. Its orders come on standard input as JSON.
import { readFileSync } from 'node:fs'
import mqtt from 'mqtt'

const { url, level, qos, userName, password, topic, messages, to = topic, expected = messages.length } = JSON.parse(readFileSync(0, 'utf8'))
const client = await mqtt.connectAsync(url, { protocolVersion: level, username: userName, password, reconnectPeriod: 0 }, false)
const heard = []
const all = new Promise(resolve => client.on('message', (_, payload) => { if (heard.push(payload.toString()) === expected) resolve() }))
const [granted] = await client.subscribeAsync(topic, { qos })
if (granted.qos !== qos) throw new Error(`granted ${granted.qos}`)
await Promise.all(messages.map(message => client.publishAsync(to, message, { qos })))
await Promise.race([all, new Promise((_, reject) => setTimeout(reject, 15000, new Error(`heard ${heard.length}`)).unref())])
await client.endAsync()
console.log(JSON.stringify(heard))
