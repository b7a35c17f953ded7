"""The pages, measured in a browser: how soon something is seen while thousands of jobs and properties are stored."""
