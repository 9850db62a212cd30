"""Who answers the questions of ``postroad.lookup``: the DNS itself, or records that somebody wrote down."""
