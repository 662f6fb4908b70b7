// cells.ts: a router inside of a program that has connections to each cell: which cell a call goes to. The directory is asked once
// about each person, and the answer is kept; where somebody has moved since, the cell that is asked says so, and the call is sent
// again. Nothing has happened then, so that a call is never made twice.
//
//   const cells = new Cells(addresses.map((connectionString) => new pg.Pool({ connectionString })))   // in the order of their numbers
//   await cells.of(claims.sub, (pool) => pool.query("SELECT …", […]))
//   await cells.home((pool) => pool.query("SELECT * FROM coursebase.place_person($1)", ["user_2new"]))

type Row = Record<string, unknown>

/** A pool of pg, or what else asks a server. */
export interface Connections {
    query(sql: string, values: unknown[]): Promise<{ rows: Row[] }>
}

/** What pg throws for an error of the server. */
interface Thrown {
    code?: string
    detail?: string
}

/** With the pauses between them these take two to three seconds: a person who moves is away for less. */
const attempts = 8

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export class Cells<Pool extends Connections> {
    private readonly pools: Pool[]
    private readonly most: number
    private readonly kept = new Map<string, number>()
    private homeNumber: number | undefined
    private turn = 0

    /** most: how many people's cells are kept; who was asked about first is forgotten first. */
    constructor(pools: Pool[], most = 100_000) {
        this.pools = pools
        this.most = most
    }

    /**
     * Does the work in the cell of a person, named by user_id or by the subject of the token. The work is a whole transaction on a
     * connection of the pool that it gets, and begins again in another cell where this one says that the person lives there
     * (KBC01), or is moving (KBC21). Every other error is the caller's.
     */
    async of<T>(person: string, work: (pool: Pool) => Promise<T>): Promise<T> {
        let cell = this.kept.get(person) ?? (await this.look(person))
        for (let attempt = 1; ; attempt++) {
            try {
                return await work(this.pool(cell))
            } catch (thrown) {
                const { code, detail } = thrown as Thrown
                const there = /in cell (\d+)\.$/.exec(detail ?? "")?.[1]
                if (attempt >= attempts || !((code === "KBC01" && there !== undefined) || code === "KBC21")) throw thrown
                // two cells that each name the other know of a move that has not ended everywhere
                if (code === "KBC21" || attempt > 2) await pause(attempt)
                cell = code === "KBC01" ? this.keep(person, Number(there)) : await this.look(person)
            }
        }
    }

    /** Does the work on home: people are placed there, organisations and the catalogue are its own. */
    async home<T>(work: (pool: Pool) => Promise<T>): Promise<T> {
        this.homeNumber ??= Number((await this.anywhere("SELECT home FROM coursebase.cell()", []))[0]?.home ?? 0)
        return work(this.pool(this.homeNumber))
    }

    private pool(cell: number): Pool {
        const pool = this.pools[cell]
        if (pool === undefined) throw new Error(`cell ${cell} has no address here`)
        return pool
    }

    /** Whom no copy of the directory knows is kept nowhere: home says where somebody new lives, or that nobody is called so. */
    private async look(person: string): Promise<number> {
        const column = uuid.test(person) ? "user_id" : "external_id"
        const [row] = await this.anywhere(`SELECT cell FROM coursebase.people WHERE ${column} = $1`, [person])
        if (row !== undefined) return this.keep(person, Number(row.cell))
        this.kept.delete(person)
        return this.home((pool) => Promise.resolve(this.pools.indexOf(pool)))
    }

    private keep(person: string, cell: number): number {
        this.kept.delete(person)
        this.kept.set(person, cell)
        if (this.kept.size > this.most) this.kept.delete(this.kept.keys().next().value as string)
        return cell
    }

    /** Every server has the directory: they are asked in turn, and where one is away the next one. */
    private async anywhere(sql: string, values: unknown[]): Promise<Row[]> {
        for (let tried = 1; ; tried++) {
            this.turn = (this.turn + 1) % this.pools.length
            try {
                return (await this.pool(this.turn).query(sql, values)).rows
            } catch (thrown) {
                if (tried >= this.pools.length) throw thrown
            }
        }
    }
}

function pause(attempt: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 2 ** attempt * (5 + 10 * Math.random())))
}
