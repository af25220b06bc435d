package webhooks

// +kubebuilder:webhook:path=/validate--v1-service,mutating=false,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=1,groups="",resources=services,verbs=update;delete,versions=v1,name=service.validate.gatewright.dev,admissionReviewVersions=v1,patch=`{"namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["kube-system"]}]},"objectSelector":{"matchExpressions":[{"key":"gateway.networking.k8s.io/gateway-name","operator":"DoesNotExist"}]},"matchConditions":[{"name":"people","expression":"!request.userInfo.username.startsWith('system:serviceaccount:kube-system:')"},{"name":"what-routes-use","expression":"request.operation == 'DELETE' || (has(object.spec.ports) ? object.spec.ports : []) != (has(oldObject.spec.ports) ? oldObject.spec.ports : []) || (has(object.spec.type) ? object.spec.type : '') != (has(oldObject.spec.type) ? oldObject.spec.type : '')"}]}`

// The validator of Services refuses nothing. It warns of
//   - routes that reach the Service and no longer will: it is deleted, a port is
//     removed or speaks something else now, or it becomes an ExternalName.
//
// It is asked as seldom as that can be had: not about other fields, nor about
// kube-system, Services that the operator makes, or what controllers of
// Kubernetes itself do, which read no warnings. The chart's value
// webhook.servicesAndSecrets turns it off, and the one of Secrets.
const serviceValidatePath = "/validate--v1-service"
