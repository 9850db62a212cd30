"""Where secrets are kept, and how they are read from there: the resolvers behind ``Secret.ref``."""
