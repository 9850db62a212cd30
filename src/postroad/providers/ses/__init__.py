"""Amazon SES, version 2 of its API: https://docs.aws.amazon.com/ses/latest/APIReference-V2/"""
