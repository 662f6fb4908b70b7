// run.ts: how the tests in TypeScript begin and end.

/**
 * Runs a test. Node ends a program with status 0 as soon as it has nothing left to wait for, in the middle of main() as well: of
 * an answer, say, that no connection brings any more. A test that ends so has failed.
 */
export function run(main: () => Promise<void>): void {
    let ended = false
    process.on("exit", () => {
        if (ended) return
        console.error("the program ended before its test did")
        process.exitCode = 1
    })
    main().then(
        () => (ended = true),
        (error) => {
            console.error(error)
            ended = true
            // a connection that is still open would keep the program
            process.exit(1)
        }
    )
}
