variable "name" {
  description = "Prefix of everything that is made. Lower-case letters, digits and hyphens."
  type        = string
  default     = "skein"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "name must start with a letter and hold 2 to 31 lower-case letters, digits and hyphens."
  }
}

variable "cluster_name" {
  description = "The EKS cluster that Skein runs in. It must have an IAM OIDC provider."
  type        = string
}

variable "namespace" {
  description = "The namespace of the Helm release."
  type        = string
  default     = "skein"
}

variable "release" {
  description = "The name of the Helm release: its service accounts start with it."
  type        = string
  default     = "skein"
}

variable "vpc_id" {
  description = "The cluster's VPC."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets for the database and the queue, in at least two zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must name at least two subnets."
  }
}

variable "client_security_group_ids" {
  description = "Security groups of the cluster's nodes (or pods): only they reach the database and the queue."
  type        = list(string)
}

variable "projects" {
  description = "Projects whose tasks get a role of their own, with their domains. Their pods use the service account `default` of the namespace `<project>-<domain>`."
  type        = map(list(string))
  default     = {}
}

variable "storage_prefix" {
  description = "Folder in the bucket that is Skein's storage root."
  type        = string
  default     = "skein"
}

variable "superseded_days" {
  description = "Days after which superseded versions of objects are deleted."
  type        = number
  default     = 30
}

variable "secret_prefix" {
  description = "Skein may read values below this name from AWS Secrets Manager. Empty for none."
  type        = string
  default     = ""
}

variable "foreign_role_arns" {
  description = "Roles in other accounts that the api and the launcher may assume to reach buckets there (see ../cross-account)."
  type        = list(string)
  default     = []
}

variable "database_instance_class" {
  type    = string
  default = "db.m7g.large"
}

variable "database_storage_gib" {
  description = "To begin with; it grows by itself up to five times as much."
  type        = number
  default     = 100
}

variable "queue_node_type" {
  type    = string
  default = "cache.m7g.large"
}

variable "high_availability" {
  description = "Database and queue each get a standby in another zone."
  type        = bool
  default     = true
}

variable "deletion_protection" {
  description = "Refuse to delete the database and the bucket's contents."
  type        = bool
  default     = true
}

variable "tags" {
  type    = map(string)
  default = {}
}
