// router.ts: the seconds that a call takes in a program with a connection to each cell; rows/routed.sql says which.
//
//   router.js router|direct CALLS CELLS FROM TURNS <STATEMENT
//
// STATEMENT asks about $1, each time another of CALLS people, from number FROM on; $2 is a key that no other call has. Where the way
// is "router", doc/guide/edge/cells.ts finds their cell, and where it is "direct", the program knows it. TURNS is how often the people
// are gone through: the last time counts. PGHOST and PGPORT name the server of the databases bench_cell_0, bench_cell_1 and so on, in
// which people live in turn.
import { readFileSync } from "node:fs"
import { Pool } from "pg"
import { Cells } from "./cells"

async function main(): Promise<void> {
    const [way, ...numbers] = process.argv.slice(2)
    const [calls, count, from, turns] = numbers.map(Number)
    const statement = readFileSync(0, "utf8")
    const pools = Array.from({ length: count }, (_, cell) => new Pool({ database: `bench_cell_${cell}`, max: 1 }))
    const cells = new Cells(pools)
    // what is measured is a call, not the first one of a connection
    for (const pool of pools) await pool.query("SELECT coursebase.cell()")
    let begun = process.hrtime.bigint()
    for (let n = 0; n < calls * turns; n++) {
        if (n === calls * (turns - 1)) begun = process.hrtime.bigint()
        const cell = n % count
        const person = `00000000-0000-4000-8000-000000${from + 3 * Math.floor((n % calls) / count) + cell}`
        const values = statement.includes("$2") ? [person, `cs_${person}`] : [person]
        if (way === "direct") await pools[cell].query(statement, values)
        else await cells.of(person, (pool) => pool.query(statement, values))
    }
    console.log((Number(process.hrtime.bigint() - begun) / calls / 1e9).toFixed(9))
    await Promise.all(pools.map((pool) => pool.end()))
}

main().catch((error) => {
    console.error(error)
    process.exit(1)
})
